import type { Step } from '../../model/step.ts'
import { ConfigError, TargetError } from '../../support/errors.ts'
import type { Target, TargetContext, TargetModule } from '../target.ts'
import { openNetlify } from './api.ts'
import { check } from './check.ts'
import { type NetlifyConfig, netlifyConfigSchema, versionPattern } from './config.ts'
import { diagnose } from './diagnose.ts'
import { discoverNetlify } from './discover.ts'
import { type NetlifyState, observe } from './observe.ts'
import { plan } from './plan.ts'
import { type Restore, restore, restoreSchema, takeBack } from './steps.ts'

/** A Netlify site: its published deploy is what serves. */
const netlify: TargetModule<NetlifyConfig> = {
  configSchema: netlifyConfigSchema,
  version: { pattern: versionPattern, says: 'a deploy id, the beginning of a commit, or a version of deploy.json' },
  open
}

export default netlify as TargetModule

async function open(context: TargetContext<NetlifyConfig>): Promise<Target<NetlifyState>> {
  const { config, env, clock, history } = context
  const api = await openNetlify(await siteOf(context), context)
  const paramsOf = (step: Step): Restore => {
    const parsed = restoreSchema.safeParse(step.params)
    if (parsed.success && parsed.data.site === api.site && parsed.data.api === api.api) return parsed.data
    throw foreign(step)
  }
  const asking = { env, probe: config.probe ?? null }
  return {
    observe: (signal) => observe(api, history, config, env, signal),
    plan: (observation, state, release, signal) => plan(api, config, observation, state, release, signal),
    apply: async (step, run) => restore(api, clock, paramsOf(step), run),
    revert: async (step, run) => takeBack(api, clock, paramsOf(step), run),
    check: (release, look) => check(api, asking, release, look),
    diagnose: (signal) => diagnose(api, asking, signal)
  }
}

async function siteOf({ config, env, projectDir }: TargetContext<NetlifyConfig>): Promise<string> {
  const linked = await discoverNetlify(projectDir, env)
  const site = config.site_id ?? env.NETLIFY_SITE_ID ?? linked?.config.site_id
  if (typeof site === 'string' && /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(site)) return site
  throw new ConfigError({
    what: 'It is not known which Netlify site is meant',
    why: 'neither `site_id` in deploy.json, nor NETLIFY_SITE_ID, nor .netlify/state.json names one',
    next: 'Set targets.netlify.config.site_id in deploy.json.',
    code: 'no_site'
  })
}

const foreign = (step: Step): TargetError =>
  new TargetError({
    what: `The step "${step.title}" was not carried out`,
    why: 'it was planned for another site or server than deploy.json now names',
    next: 'Restore the configuration that it was planned with, or assess again.',
    code: 'foreign_step'
  })
