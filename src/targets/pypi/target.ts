import { defineSteps } from '../define-steps.ts'
import type { Target, TargetContext } from '../target.ts'
import { check } from './check.ts'
import type { PypiConfig } from './config.ts'
import { openContext, type PypiContext } from './context.ts'
import { diagnose } from './diagnose.ts'
import { observe, type PypiState } from './observe.ts'
import { plan } from './plan.ts'
import { yank } from './yank.ts'

const steps = defineSteps<PypiContext>()(
  { yank },
  {
    of: 'project or index',
    isOurs: ({ settings }, { project, index }) => project === settings.path && index === settings.simple
  }
)

/** @throws ConfigError when no project is named, or a name or address is not valid. */
export async function openTarget(given: TargetContext<PypiConfig>): Promise<Target<PypiState>> {
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
