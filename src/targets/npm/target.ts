import { stepsOf } from '../define-steps.ts'
import type { Target, TargetContext } from '../target.ts'
import { check } from './check.ts'
import type { NpmConfig } from './config.ts'
import { type NpmContext, openContext } from './context.ts'
import { deprecate } from './deprecate.ts'
import { diagnose } from './diagnose.ts'
import { type NpmState, observe } from './observe.ts'
import { plan } from './plan.ts'
import { setTag } from './set-tag.ts'

const steps = stepsOf([setTag, deprecate], {
  of: 'package or registry',
  isOurs: ({ settings }: NpmContext, params) =>
    params.package === settings.name && params.registry === settings.registry
})

/** @throws ConfigError when no package is named, or a name, tag or registry is not valid. */
export async function openTarget(given: TargetContext<NpmConfig>): Promise<Target<NpmState>> {
  const context = await openContext(given)
  return {
    observe: (signal) => observe(context, signal),
    plan: (observation, state, release, signal) => plan(context, observation, state, release, signal),
    reread: (all, known) => steps.reread(context, all, known),
    apply: (step, run) => steps.apply(context, step, run),
    revert: (step, run, recorded) => steps.revert(context, step, run, recorded),
    check: (release, look) => check(context, release, look),
    diagnose: (signal) => diagnose(context, signal)
  }
}
