import { defineSteps } from '../define-steps.ts'
import type { Target, TargetContext } from '../target.ts'
import { check } from './check.ts'
import type { GitHubConfig } from './config.ts'
import { type GitHubContext, openContext } from './context.ts'
import { diagnose } from './diagnose.ts'
import { markFailed } from './mark-failed.ts'
import { markLatest } from './mark-latest.ts'
import { type GitHubState, observe } from './observe.ts'
import { plan } from './plan.ts'

const steps = defineSteps<GitHubContext>()(
  { 'mark-latest': markLatest, 'mark-failed': markFailed },
  {
    of: 'repository or server',
    isOurs: ({ github }, { repository, api }) => repository === github.name && api === github.api
  }
)

/** @throws ConfigError when no repository is named, or a name or address is not valid. */
export async function openTarget(given: TargetContext<GitHubConfig>): Promise<Target<GitHubState>> {
  const context = await openContext(given)
  return {
    observe: (signal) => observe(context, signal),
    plan: (observation, state, release, signal) => plan(context, observation, state, release, signal),
    apply: (step, run) => steps.apply(context, step, run),
    revert: (step, run, recorded) => steps.revert(context, step, run, recorded),
    check: (release, look) => check(context, release, look),
    diagnose: (signal) => diagnose(context, signal)
  }
}
