import type { PlanDraft } from '../../../../model/plan.ts'
import type { Step } from '../../../../model/step.ts'
import { duration } from '../../../../support/text.ts'
import type { DockerContext } from '../../context.ts'
import { baseName } from '../../objects/names.ts'
import type { Container } from '../../objects/schemas.ts'
import { graceSecondsOf } from '../steps/actions.ts'
import { takeOver } from '../steps/beside.ts'
import { rollSchema } from '../steps/replacement.ts'
import { isUp, swap } from '../steps/swap.ts'

/** How long the old containers may take to stop, which those of one step do at once. */
export function stopTimes(
  docker: DockerContext,
  steps: readonly Step[],
  containers: readonly Container[]
): NonNullable<PlanDraft['stops']> {
  const slowest = steps.flatMap(({ kind, params }) => {
    if (kind !== swap.kind && kind !== takeOver.kind) return []
    const { members } = rollSchema.parse(params)
    const graces = containers
      .filter(({ Id, State }) => isUp(State) && members.some(({ container }) => container === Id))
      .map((container) => ({ name: baseName(container.Name), ms: graceSecondsOf(docker, container) * 1000 }))
    return graces.sort((a, b) => b.ms - a.ms).slice(0, 1)
  })
  return {
    ms: slowest.reduce((sum, { ms }) => sum + ms, 0),
    parts: slowest.map(({ name, ms }) => `${name} gets ${duration(ms)} to stop`)
  }
}
