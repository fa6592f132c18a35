import type { Step } from '../../model/step.ts'
import { TargetError } from '../../support/errors.ts'
import type { Run, StepResult, Target, TargetContext, TargetModule } from '../target.ts'
import { openGitHub } from './api.ts'
import { check } from './check.ts'
import { type GitHubConfig, githubConfigSchema } from './config.ts'
import { diagnose } from './diagnose.ts'
import { applyMarkFailed, revertMarkFailed } from './mark-failed.ts'
import { applyMarkLatest, revertMarkLatest } from './mark-latest.ts'
import { tagPattern } from './names.ts'
import { observe } from './observe.ts'
import { plan } from './plan.ts'
import { settle } from './settings.ts'

/** The releases of a GitHub repository: the one marked as the latest is what serves. */
const githubReleases: TargetModule<GitHubConfig> = {
  configSchema: githubConfigSchema,
  version: { pattern: tagPattern, says: 'the tag of a release, such as v1.4.2' },
  open
}

export default githubReleases as TargetModule

async function open(context: TargetContext<GitHubConfig>): Promise<Target> {
  const settings = await settle(context)
  const github = openGitHub(settings, context)
  const { clock, history } = context
  const carryOut = (verbs: Record<string, Verb>, step: Step, run: Run): Promise<StepResult> => {
    const verb = verbs[step.kind]
    if (!verb || step.params.repository !== github.name || step.params.api !== settings.api) throw foreign(step)
    return verb(step, run)
  }
  return {
    observe: async (signal) => ({ observation: await observe(github, settings, history, signal), state: null }),
    plan: (seen, _state, release, signal) => plan(github, settings, history, seen, release, signal),
    apply: async (step, run) =>
      await carryOut(
        {
          'mark-latest': (one, how) => applyMarkLatest(github, clock, one, how),
          'mark-failed': (one, how) => applyMarkFailed(github, one, how)
        },
        step,
        run
      ),
    revert: async (step, run) =>
      await carryOut(
        {
          'mark-latest': (one, how) => revertMarkLatest(github, clock, one, how),
          'mark-failed': (one, how) => revertMarkFailed(github, one, how)
        },
        step,
        run
      ),
    check: (release, look) => check(github, release, look),
    diagnose: (signal) => diagnose(github, settings, signal)
  }
}

type Verb = (step: Step, run: Run) => Promise<StepResult>

const foreign = (step: Step): TargetError =>
  new TargetError({
    what: `The step "${step.title}" was not carried out`,
    why: 'it was planned for another repository or server than deploy.json now names',
    next: 'Restore the configuration that it was planned with, or assess again.',
    code: 'foreign_step'
  })
