import { defineSteps } from '../define-steps.ts'
import type { Target, TargetContext } from '../target.ts'
import { targetOf } from '../target-of.ts'
import { check } from './check.ts'
import type { NpmConfig } from './config.ts'
import { type NpmContext, openContext } from './context.ts'
import { deprecate } from './deprecate.ts'
import { diagnose } from './diagnose.ts'
import { type NpmState, observe } from './observe.ts'
import { plan } from './plan.ts'
import { setOtherTag, setTag } from './set-tag.ts'

const steps = defineSteps([setTag, setOtherTag, deprecate], {
  of: 'package or registry',
  isOurs: ({ settings }: NpmContext, params) =>
    params.package === settings.name && params.registry === settings.registry
})

/** @throws ConfigError when no package is named, or a name, tag or registry is not valid. */
export async function openTarget(given: TargetContext<NpmConfig>): Promise<Target<NpmState>> {
  return targetOf(await openContext(given), steps, { observe, plan, check, diagnose })
}
