import { defineSteps } from '../define-steps.ts'
import type { Target, TargetContext } from '../target.ts'
import { targetOf } from '../target-of.ts'
import { check } from './check.ts'
import type { PypiConfig } from './config.ts'
import { openContext, type PypiContext } from './context.ts'
import { diagnose } from './diagnose.ts'
import { observe, type PypiState } from './observe.ts'
import { plan } from './plan.ts'
import { yank } from './yank.ts'

const steps = defineSteps([yank], {
  of: 'project or index',
  isOurs: ({ settings }: PypiContext, { project, index }) => project === settings.path && index === settings.simple
})

/** @throws ConfigError when no project is named, or a name or address is not valid. */
export async function openTarget(given: TargetContext<PypiConfig>): Promise<Target<PypiState>> {
  return targetOf(await openContext(given), steps, { observe, plan, check, diagnose })
}
