import { defineSteps } from '../define-steps.ts'
import type { Target, TargetContext } from '../target.ts'
import { targetOf } from '../target-of.ts'
import { cancelBuild } from './cancel-build.ts'
import { check } from './check.ts'
import type { NetlifyConfig } from './config.ts'
import { type NetlifyContext, openContext } from './context.ts'
import { diagnose } from './diagnose.ts'
import { type NetlifyState, observe } from './observe.ts'
import { plan } from './plan.ts'
import { restore } from './restore.ts'

const steps = defineSteps([cancelBuild, restore], {
  of: 'site or server',
  isOurs: ({ netlify }: NetlifyContext, { site, api }) => site === netlify.site && api === netlify.api
})

/** @throws ConfigError when no site is named, or no token is there. */
export async function openTarget(given: TargetContext<NetlifyConfig>): Promise<Target<NetlifyState>> {
  return targetOf(await openContext(given), steps, { observe, plan, check, diagnose })
}
