import type { Step } from '../../model/step.ts'
import { ConfigError, TargetError } from '../../support/errors.ts'
import type { Run, StepResult, Target, TargetContext, TargetModule } from '../target.ts'
import { openVercel, type Place } from './api.ts'
import { check } from './check.ts'
import { type VercelConfig, vercelConfigSchema, versionPattern } from './config.ts'
import { diagnose } from './diagnose.ts'
import { discoverVercel } from './discover.ts'
import { observe } from './observe.ts'
import { plan } from './plan.ts'
import { move, rollbackSchema } from './steps.ts'

/** A Vercel project: the deployment that its production domains lead to is what serves. */
const vercel: TargetModule<VercelConfig> = {
  configSchema: vercelConfigSchema,
  version: { pattern: versionPattern, says: 'a deployment id, the beginning of a commit, or a version of deploy.json' },
  open
}

export default vercel as TargetModule

async function open(context: TargetContext<VercelConfig>): Promise<Target> {
  const { env, clock, history } = context
  const api = await openVercel(await placeOf(context), context)
  const paramsOf = (step: Step) => {
    const parsed = rollbackSchema.safeParse(step.params)
    if (
      parsed.success &&
      parsed.data.api === api.api &&
      parsed.data.project === api.project &&
      parsed.data.team === api.team
    )
      return parsed.data
    throw foreign(step)
  }
  const asking = { env, probe: context.config.probe ?? null }
  return {
    observe: async (signal) => ({ observation: await observe(api, history, asking, signal), state: null }),
    plan: (observation, _state, release, signal) => plan(api, observation, release, signal),
    apply: async (step, run) => move(api, clock, { ...paramsOf(step), way: 'rollback' }, run),
    async revert(step, run) {
      const { from, to, pinned, rolling } = paramsOf(step)
      if (!from) return { detail: 'there was nothing before' }
      if (rolling) return restart(from, run)
      return move(api, clock, { from: to, to: from, way: pinned ? 'rollback' : 'promote' }, run)
    },
    check: (release, look) => check(api, asking, release, look),
    diagnose: (signal) => diagnose(api, asking, signal)
  }

  /** A rolling release would begin at its first stage again, and by itself: a person decides that. */
  async function restart(canary: string, { signal }: Run): Promise<StepResult> {
    if ((await api.rollingRelease(signal))?.canary === canary) return { detail: 'the rolling release goes on' }
    return { manual: [`Start it again if you want it: vercel rolling-release start --dpl=${canary}`] }
  }
}

async function placeOf({ config, env, projectDir }: TargetContext<VercelConfig>): Promise<Place> {
  const linked = (await discoverVercel(projectDir, env))?.config
  const project = config.project_id ?? env.VERCEL_PROJECT_ID ?? linked?.project_id
  const organisation = config.team_id ?? env.VERCEL_ORG_ID ?? linked?.team_id
  const team = typeof organisation === 'string' && organisation.startsWith('team_') ? organisation : null
  if (typeof project === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(project))
    return { project, team: config.team_id ?? team }
  throw new ConfigError({
    what: 'It is not known which Vercel project is meant',
    why: 'neither `project_id` in deploy.json, nor VERCEL_PROJECT_ID, nor .vercel/project.json names one',
    next: 'Set targets.vercel.config.project_id in deploy.json.',
    code: 'no_project'
  })
}

const foreign = (step: Step): TargetError =>
  new TargetError({
    what: `The step "${step.title}" was not carried out`,
    why: 'it was planned for another project or server than deploy.json now names',
    next: 'Restore the configuration that it was planned with, or assess again.',
    code: 'foreign_step'
  })
