import type { Step } from '../../../../model/step.ts'
import type { Move } from '../../../target.ts'
import { inRounds, ownedBy } from '../../compose/labels.ts'
import type { ConfigurationReference } from '../../configuration/reference.ts'
import type { DockerContext } from '../../context.ts'
import type { Container } from '../../objects/schemas.ts'
import { publishes } from '../observe/members.ts'
import { waitForHealth } from '../steps/await-health.ts'
import { startBeside, takeOver } from '../steps/beside.ts'
import { create } from '../steps/create.ts'
import { type Replacement, replacementOf } from '../steps/member.ts'
import { rehearse } from '../steps/rehearse.ts'
import { cleanupOf, keepAsImage, keepOld, removeOld } from '../steps/remove-old.ts'
import type { RollStep } from '../steps/replacement.ts'
import { swap } from '../steps/swap.ts'
import type { CandidateImage } from './candidate-image.ts'

/** How one container is replaced. */
export interface ContainerPlan {
  container: Container
  /** Where its earlier configuration is read, where that goes back, too. */
  configuration: ConfigurationReference | null
  /** Why old and new cannot run at once; null when they can. */
  whyNotBeside: string | null
  /** It serves nothing now. */
  isDown: boolean
  /** It runs once, and ends. */
  isJob: boolean
  /** In its own layer, or it may have some. */
  hasOwnFiles: boolean
}

interface Roll {
  plan: ContainerPlan
  member: Replacement
}

/**
 * Rehearsal and creation of all first; then the switches, `max_parallel` at a time: containers that serve nothing first (all at once
 * unless configured, with one that users reach and that fails), each after those that it depends on; the cleanup last.
 */
export function planSteps(
  docker: DockerContext,
  move: Move,
  candidate: CandidateImage,
  plans: readonly ContainerPlan[]
): Step[] {
  const rolls = inOrderOfNeed(plans).map((plan) => ({
    plan,
    member: replacementOf(plan.container, move.from, candidate, plan.whyNotBeside === null, plan.configuration)
  }))
  const members = rolls.map(({ member }) => member)
  const urgent = new Set(rolls.filter(({ plan }) => isUrgent(plan)).map(({ member }) => member))
  if (members.length === 0) return []
  const stepsOf = (kinds: readonly RollStep[], batch: Replacement[]): Step[] =>
    kinds.map((kind) => kind.plan(docker, { members: batch }, move))
  // A job is not rehearsed: it would do its work.
  const rehearsed = docker.config.rehearse ? onePerService(rolls.filter(({ plan }) => !plan.isJob)) : []
  const width = docker.config.max_parallel
  const failing = rolls.filter(({ plan }) => isUrgent(plan) && !plan.isDown).slice(0, width ?? 1)
  const atOnce = rolls.filter((roll) => roll.plan.isDown || failing.includes(roll))
  const down = atOnce.some(({ plan }) => plan.isDown) ? atOnce : []
  const serving = rolls.filter((roll) => !down.includes(roll))
  const inTurn = (kinds: readonly RollStep[], round: Replacement[], most: number): Step[] =>
    batches(round, most).flatMap((batch) => stepsOf(kinds, batch))
  return [
    ...(rehearsed.length > 0 ? stepsOf([rehearse], rehearsed) : []),
    ...stepsOf([create], members),
    ...roundsOf(down).flatMap((round) => inTurn([swap, waitForHealth], round, width ?? round.length)),
    ...roundsOf(serving).flatMap((round) =>
      [round.filter((member) => urgent.has(member)), round.filter((member) => !urgent.has(member))].flatMap((some) => [
        ...inTurn(
          [startBeside, takeOver],
          some.filter(({ beside }) => beside),
          width ?? 1
        ),
        ...inTurn(
          [swap, waitForHealth],
          some.filter(({ beside }) => !beside),
          width ?? 1
        )
      ])
    ),
    ...[removeOld, keepAsImage, keepOld].flatMap((kind) => {
      const some = rolls.filter(({ plan }) => cleanupOf(plan.container, plan.hasOwnFiles) === kind)
      return some.length > 0
        ? stepsOf(
            [kind],
            some.map(({ member }) => member)
          )
        : []
    })
  ]
}

/** What users reach, and does not serve them. */
const isUrgent = ({ container, isDown }: ContainerPlan): boolean =>
  publishes(container) && (isDown || container.State.Health?.Status === 'unhealthy')

/** What users reach and does not serve them comes first, where no service depends on another. */
const inOrderOfNeed = (plans: readonly ContainerPlan[]): ContainerPlan[] => [
  ...plans.filter(isUrgent),
  ...plans.filter((plan) => !isUrgent(plan))
]

/** Services come after those that they depend on. */
const roundsOf = (rolls: readonly Roll[]): Replacement[][] =>
  inRounds(rolls, ({ plan }) => plan.container.Config.Labels).map((round) => round.map(({ member }) => member))

/** Services differ in their commands, replicas do not. */
function onePerService(rolls: readonly Roll[]): Replacement[] {
  const services = rolls.map(
    ({ plan: { container } }) => ownedBy(container.Config.Labels)?.service ?? JSON.stringify(container.Config.Cmd)
  )
  return rolls.filter((_, index) => services.indexOf(services[index] ?? '') === index).map(({ member }) => member)
}

const batches = <T>(items: readonly T[], width: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / width) }, (_, index) => items.slice(index * width, (index + 1) * width))
