import { isDeepStrictEqual } from 'node:util'
import type { Step } from '../../model/step.ts'
import { defineSteps } from '../define-steps.ts'
import type { Known, Reread, Run, StepResult } from '../target.ts'
import { checkComposeFiles } from './compose/reminder.ts'
import { composeUp } from './compose/revive.ts'
import type { ContainersState } from './containers/observe/observe.ts'
import { waitForHealth } from './containers/steps/await-health.ts'
import { startBeside, takeOver } from './containers/steps/beside.ts'
import { create } from './containers/steps/create.ts'
import { checkDependents } from './containers/steps/dependents.ts'
import { pullImage } from './containers/steps/pull.ts'
import { rehearse } from './containers/steps/rehearse.ts'
import { keepAsImage, keepOld, removeOld } from './containers/steps/remove-old.ts'
import { rollSchema } from './containers/steps/replacement.ts'
import { swap } from './containers/steps/swap.ts'
import type { DockerContext } from './context.ts'
import type { ServicesState } from './swarm/observe.ts'
import { rollService, serviceSettings } from './swarm/steps.ts'

export type DockerState = ContainersState | ServicesState

const ofContainers = defineSteps<DockerContext, ContainersState>([
  pullImage,
  rehearse,
  create,
  swap,
  waitForHealth,
  startBeside,
  takeOver,
  removeOld,
  keepAsImage,
  keepOld,
  checkDependents,
  composeUp,
  checkComposeFiles
])

const services = [rollService, serviceSettings]
const ofServices = defineSteps<DockerContext, ServicesState>(services)

const kindOf = ({ kind }: Step) => (services.some((service) => service.kind === kind) ? ofServices : ofContainers)

/** All steps of plans for containers, Compose projects and services of a swarm. */
export const steps = {
  apply: (docker: DockerContext, step: Step, run: Run): Promise<StepResult> => kindOf(step).apply(docker, step, run),
  revert: (docker: DockerContext, step: Step, run: Run): Promise<StepResult> => kindOf(step).revert(docker, step, run),
  async reread(docker: DockerContext, all: readonly Step[], known: Known<DockerState>): Promise<Reread> {
    const { state } = known
    if (state.kind === 'services') return ofServices.reread(docker, all, { ...known, state })
    const { steps: ours, mismatches } = await ofContainers.reread(docker, all, { ...known, state })
    return { steps: ours, mismatches: [...mismatches, ...disagreements(ours)] }
  }
}

/** One container is replaced in one way: created without aliases, say, only where a later step gives them. */
function disagreements(all: readonly Step[]): string[] {
  const members = all.flatMap(({ params }) => rollSchema.safeParse(params).data?.members ?? [])
  const other = members.find(
    (member) =>
      !isDeepStrictEqual(
        member,
        members.find(({ container }) => container === member.container)
      )
  )
  return other ? [`its steps do not agree on how ${other.name} is replaced`] : []
}
