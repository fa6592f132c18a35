import type { JsonObject } from '../../../../model/json.ts'
import type { Observation } from '../../../../model/observation.ts'
import type { Release } from '../../../../model/release.ts'
import type { Step } from '../../../../model/step.ts'
import { inRounds, ownedBy } from '../../compose/labels.ts'
import type { DockerContext } from '../../context.ts'
import { baseName, fallbackName, rehearsalName, temporaryName } from '../../objects/names.ts'
import type { Container } from '../../objects/schemas.ts'
import type { Replacement } from '../steps/replacement.ts'
import type { CandidateImage } from './candidate-image.ts'

/** How one container is replaced. */
export interface ContainerPlan {
  container: Container
  /** Why old and new cannot run at once; null when they can. */
  whyNotBeside: string | null
  /** It serves nothing now. */
  isDown: boolean
}

/**
 * Rehearsal and creation of all first; then the switches, `max_parallel` at a time: containers that serve nothing first (all at once
 * unless configured), each after those that it depends on; the cleanup last.
 */
export function planSteps(
  docker: DockerContext,
  observation: Observation,
  release: Release,
  candidate: CandidateImage,
  plans: readonly ContainerPlan[]
): Step[] {
  const rolls = plans.map((plan) => ({ plan, member: replacementOf(docker, observation, candidate, plan) }))
  const members = rolls.map(({ member }) => member)
  if (members.length === 0) return []
  const down = rolls.filter(({ plan }) => plan.isDown)
  const serving = rolls.filter(({ plan }) => !plan.isDown)
  const width = docker.config.max_parallel ?? 1
  return [
    ...(docker.config.rehearse ? [rehearsalStep(release, onePerService(plans, members))] : []),
    createStep(release, members),
    ...roundsOf(down).flatMap((round) =>
      batches(round, docker.config.max_parallel ?? round.length).flatMap((batch) => swapSteps(release, batch))
    ),
    ...roundsOf(serving).flatMap((round) => [
      ...batches(
        round.filter(({ beside }) => beside),
        width
      ).flatMap((batch) => besideSteps(release, batch)),
      ...batches(
        round.filter(({ beside }) => !beside),
        width
      ).flatMap((batch) => swapSteps(release, batch))
    ]),
    removeStep(members)
  ]
}

/** Services come after those that they depend on. */
const roundsOf = (rolls: readonly { plan: ContainerPlan; member: Replacement }[]): Replacement[][] =>
  inRounds(rolls, ({ plan }) => plan.container.Config.Labels).map((round) => round.map(({ member }) => member))

function replacementOf(
  docker: DockerContext,
  observation: Observation,
  candidate: CandidateImage,
  { container, whyNotBeside }: ContainerPlan
): Replacement {
  const name = baseName(container.Name)
  const policy = container.HostConfig.RestartPolicy
  return {
    container: container.Id,
    name,
    temporary: temporaryName(name, container.Id),
    fallback: fallbackName(name, container.Id),
    rehearsal: rehearsalName(name, container.Id),
    image: candidate.exact,
    shown: candidate.shown,
    replaced: `${observation.current?.version ?? 'unknown'} ${container.Image}`,
    beside: whyNotBeside === null,
    was_running: container.State.Running || Boolean(container.State.Restarting),
    restart_policy: { Name: policy?.Name || 'no', MaximumRetryCount: policy?.MaximumRetryCount ?? 0 },
    stop_timeout: docker.config.stop_timeout ?? null
  }
}

export const pullStep = (release: Release, candidate: CandidateImage): Step => ({
  id: 'pull',
  kind: 'pull_image',
  phase: 'prepare',
  title: `Pulling the image of ${release.version}`,
  params: { image: candidate.exact },
  undo: null,
  manualCommands: [`docker pull ${candidate.exact}`]
})

/** Services differ in their commands, replicas do not. */
function onePerService(plans: readonly ContainerPlan[], members: readonly Replacement[]): Replacement[] {
  const services = plans.map(
    ({ container }) => ownedBy(container.Config.Labels)?.service ?? JSON.stringify(container.Config.Cmd)
  )
  return members.filter((_, index) => services.indexOf(services[index] ?? '') === index)
}

const rehearsalStep = (release: Release, members: Replacement[]): Step => ({
  id: `rehearse:${ids(members)}`,
  kind: 'rehearse',
  phase: 'prepare',
  title: `Rehearsing ${release.version} without ports, aliases and writable mounts`,
  params: paramsFor(members),
  undo: `remove ${listed(members.map(({ rehearsal }) => rehearsal))}`,
  manualUndoCommands: members.map(({ rehearsal }) => `docker rm -f -v ${rehearsal}`)
})

const createStep = (release: Release, members: Replacement[]): Step => ({
  id: `create:${ids(members)}`,
  kind: 'create_container',
  phase: 'prepare',
  title: `Creating ${names(members)} from ${release.version}, not started`,
  params: paramsFor(members),
  undo: `remove ${listed(members.map(({ temporary }) => temporary))}`,
  manualCommands: members.flatMap(({ container, temporary, image }) => [
    `docker inspect ${container.slice(0, 12)}`,
    `docker create --name ${temporary} (its options) ${image}`
  ]),
  manualUndoCommands: members.map(({ temporary }) => `docker rm -f ${temporary}`)
})

const swapSteps = (release: Release, members: Replacement[]): Step[] => [
  {
    id: `swap:${ids(members)}`,
    kind: 'swap_container',
    phase: 'switch',
    title: `Stopping ${names(members)}, starting ${release.version}`,
    params: paramsFor(members),
    undo: `stop the new ${names(members)} and start the old again`,
    manualCommands: members.flatMap(swapByHand),
    manualUndoCommands: members.flatMap(backByHand)
  },
  {
    id: `healthy:${ids(members)}`,
    kind: 'await_healthy',
    phase: 'switch',
    title: `Waiting until ${names(members)} ${members.length > 1 ? 'are' : 'is'} healthy`,
    params: paramsFor(members),
    undo: null,
    manualCommands: members.map(({ name }) => `docker inspect --format '{{json .State}}' ${name}`)
  }
]

const besideSteps = (release: Release, members: Replacement[]): Step[] => [
  {
    id: `beside:${ids(members)}`,
    kind: 'start_beside',
    phase: 'switch',
    title: `Starting ${release.version} beside ${names(members)} without traffic`,
    params: paramsFor(members),
    undo: `stop ${listed(members.map(({ temporary }) => temporary))}`,
    manualCommands: members.map(({ temporary }) => `docker start ${temporary}`),
    manualUndoCommands: members.map(({ temporary }) => `docker stop ${temporary}`)
  },
  {
    id: `take_over:${ids(members)}`,
    kind: 'take_over',
    phase: 'switch',
    title: `Moving the traffic of ${names(members)} to ${release.version} and stopping the old`,
    params: paramsFor(members),
    undo: `start the old ${names(members)} again`,
    manualCommands: members.flatMap(swapByHand),
    manualUndoCommands: members.flatMap(backByHand)
  }
]

const removeStep = (members: Replacement[]): Step => ({
  id: `remove:${ids(members)}`,
  kind: 'remove_container',
  phase: 'cleanup',
  title: `Removing the old ${names(members)}, not its volumes`,
  params: paramsFor(members),
  undo: null,
  manualCommands: members.map(({ fallback }) => `docker rm ${fallback}`)
})

const swapByHand = ({ container, name, temporary, fallback }: Replacement): string[] => [
  `docker update --restart no ${container.slice(0, 12)}`,
  `docker rename ${container.slice(0, 12)} ${fallback}`,
  `docker rename ${temporary} ${name}`,
  `docker stop ${fallback}`,
  `docker start ${name}`
]

/** What comes first fails where the old container is gone, before anything is stopped. */
const backByHand = ({ name, temporary, fallback, was_running, restart_policy: policy }: Replacement): string[] => [
  `docker update --restart ${policy.Name}${policy.MaximumRetryCount ? `:${policy.MaximumRetryCount}` : ''} ${fallback}`,
  `docker stop ${name}`,
  `docker rename ${name} ${temporary}`,
  `docker rename ${fallback} ${name}`,
  ...(was_running ? [`docker start ${name}`] : [])
]

const paramsFor = (members: Replacement[]): JsonObject => ({ members: members as JsonObject[] })
const ids = (members: readonly Replacement[]): string => members.map(({ name }) => name).join(',')
const names = (members: readonly Replacement[]): string => listed(members.map(({ name }) => name))

const listed = (items: readonly string[]): string =>
  items.length > 1 ? `${items.slice(0, -1).join(', ')} and ${items.at(-1)}` : (items[0] ?? '')

const batches = <T>(items: readonly T[], width: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / width) }, (_, index) => items.slice(index * width, (index + 1) * width))
