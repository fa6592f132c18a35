import { defineSteps } from '../define-steps.ts'
import type { Target, TargetContext } from '../target.ts'
import { check } from './check.ts'
import type { NetlifyConfig } from './config.ts'
import { type NetlifyContext, openContext } from './context.ts'
import { diagnose } from './diagnose.ts'
import { type NetlifyState, observe } from './observe.ts'
import { plan } from './plan.ts'
import { restore } from './restore.ts'

const steps = defineSteps<NetlifyContext>()(
  { restore },
  { of: 'site or server', isOurs: ({ netlify }, { site, api }) => site === netlify.site && api === netlify.api }
)

/** @throws ConfigError when no site is named, or no token is there. */
export async function openTarget(given: TargetContext<NetlifyConfig>): Promise<Target<NetlifyState>> {
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
