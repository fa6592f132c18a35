import { defineSteps } from '../define-steps.ts'
import type { Target, TargetContext } from '../target.ts'
import { check } from './check.ts'
import type { VercelConfig } from './config.ts'
import { openContext, type VercelContext } from './context.ts'
import { diagnose } from './diagnose.ts'
import { observe, type VercelState } from './observe.ts'
import { plan } from './plan.ts'
import { rollback } from './rollback.ts'

const steps = defineSteps<VercelContext>()(
  { rollback },
  {
    of: 'project or server',
    isOurs: ({ vercel }, { api, project, team }) =>
      api === vercel.api && project === vercel.project && team === vercel.team
  }
)

/** @throws ConfigError when no project is named, or no token is there. */
export async function openTarget(given: TargetContext<VercelConfig>): Promise<Target<VercelState>> {
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
