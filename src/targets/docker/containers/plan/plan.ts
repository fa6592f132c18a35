import type { DeploymentRecord } from '../../../../model/deployment-record.ts'
import type { Blocker, Observation, Risk } from '../../../../model/observation.ts'
import type { PlanDraft } from '../../../../model/plan.ts'
import type { Release } from '../../../../model/release.ts'
import type { Step } from '../../../../model/step.ts'
import { fingerprint } from '../../../../support/canonical.ts'
import { type Owned, servicesOf } from '../../compose/labels.ts'
import { changeRisks, neededChanges, reminderStep, wantedOf } from '../../compose/reminder.ts'
import { reviveStep, whyNotRevived } from '../../compose/revive.ts'
import { type DockerContext, hideEnvironment } from '../../context.ts'
import type { Container } from '../../objects/schemas.ts'
import { servesNothing } from '../observe/current-health.ts'
import { defaultsOf, imagesOf } from '../observe/observe.ts'
import { baseName, type Workload } from '../observe/workload.ts'
import { mergedConfig, userConfigOf } from '../recreate/configuration.ts'
import { dependentSteps, findDependents } from '../steps/dependents.ts'
import { type Candidate, findCandidate } from './candidate-image.ts'
import { migratedVolumeRisks } from './migrated-volumes.ts'
import { planSteps, pullStep } from './plan-steps.ts'
import {
  configurationRisks,
  dependentRisks,
  portBlockers,
  portNotes,
  rehearsalBlockers,
  volumeNotes,
  volumeRisks
} from './preconditions.ts'
import { sharedNamespaceBlockers } from './shared-namespaces.ts'
import { whyNotBeside } from './side-by-side.ts'

/** The steps from what serves to a release, with every precondition checked. */
export async function plan(
  docker: DockerContext,
  observation: Observation,
  workload: Workload,
  release: Release,
  history: readonly DeploymentRecord[],
  signal: AbortSignal
): Promise<PlanDraft> {
  const { containers, missing } = await containersOf(docker, workload, signal)
  const images = await imagesOf(docker, containers, signal)
  const up = containers.filter(({ State }) => State.Running && !State.Restarting)
  const running = up.flatMap(({ Image: id }) => images.get(id) ?? [])
  const candidate = await findCandidate(docker, release, history, signal, running)
  const all = await docker.engine.containers.list(signal)
  const defaults = defaultsOf(images)
  const ways = containers.filter(isToReplace(candidate)).map((container) => {
    const user = userConfigOf(container, defaults.get(container.Image))
    const future = candidate.image ? mergedConfig(user, candidate.image.Config) : container.Config
    const isDown = servesNothing(container, docker.clock)
    return { container, whyNot: whyNotBeside(container, future.Healthcheck), isDown }
  })
  const revival = await revivalOf(docker, workload, release, candidate, signal)
  const places = [...servicesOf(containers), ...revival.places]
  const wanted = wantedOf(candidate)
  const changes = await neededChanges(docker, places, wanted)
  const replaced = ways.map(({ container }) => container)
  const names = replaced.map(({ Id, Name }) => ({ id: Id, name: baseName(Name) }))
  const dependents = names.length > 0 ? await findDependents(docker, names, all, signal) : []
  const blockers: Blocker[] = [
    ...missing,
    ...revival.blockers,
    ...candidate.blockers,
    ...portBlockers(containers, all),
    ...sharedNamespaceBlockers(replaced),
    ...(docker.config.rehearse ? rehearsalBlockers(containers) : [])
  ]
  const risks: Risk[] = [
    ...candidate.risks,
    ...dependentRisks(dependents),
    ...volumeRisks(containers, all),
    ...migratedVolumeRisks(containers, observation.current, release),
    ...configurationRisks(containers, defaults, release, history),
    ...changeRisks(changes, release.version)
  ]
  const notes = [
    ...candidate.notes,
    ...ways.map(({ container, whyNot }) => wayNote(container, whyNot)),
    ...portNotes(containers),
    ...volumeNotes(containers),
    ...(containers.length > 0
      ? ['Environment and mounts are taken from the containers that are replaced; the image alone goes back.']
      : []),
    ...revival.notes,
    ...missingImageNotes(containers, images)
  ]
  return {
    steps: [
      ...(candidate.image || (ways.length === 0 && revival.steps.length === 0) ? [] : [pullStep(release, candidate)]),
      ...withRevival(planSteps(docker, observation, release, candidate, ways), revival.steps),
      ...dependentSteps(dependents),
      ...(places.length > 0 ? [reminderStep(release, places, wanted)] : [])
    ],
    risks,
    blockers,
    fingerprint: fingerprint({ image: candidate.exact, platform: candidate.platform }),
    notes
  }
}

interface Revival {
  steps: Step[]
  blockers: Blocker[]
  places: Owned[]
  notes: string[]
}

/** What of the target has no container is created anew by Compose, before anything else changes: it serves nothing now. */
async function revivalOf(
  docker: DockerContext,
  { missing }: Workload,
  release: Release,
  candidate: Candidate,
  signal: AbortSignal
): Promise<Revival> {
  if (!missing) return { steps: [], blockers: [], places: [], notes: [] }
  const blocker = await whyNotRevived(docker, missing, signal)
  const { services, ...place } = missing
  return {
    steps: [reviveStep(release, candidate, missing)],
    blockers: blocker ? [blocker] : [],
    places: services.map((service) => ({ ...place, service })),
    notes: [
      `Environment and mounts of ${services.join(', ')} are what the Compose file says today.`,
      ...(docker.config.rehearse
        ? ['What has no container is not rehearsed, for there is none that it could be made from.']
        : [])
    ]
  }
}

/** Preparations first, then what was down altogether, then the rest. */
const withRevival = (steps: readonly Step[], revival: readonly Step[]): Step[] => [
  ...steps.filter(({ phase }) => phase === 'prepare'),
  ...revival,
  ...steps.filter(({ phase }) => phase !== 'prepare')
]

async function containersOf(
  docker: DockerContext,
  workload: Workload,
  signal: AbortSignal
): Promise<{ containers: Container[]; missing: Blocker[] }> {
  const ids = workload.containers.map(({ Id }) => Id)
  const found = await Promise.all(ids.map((id) => docker.engine.containers.inspect(id, signal)))
  const containers = found.filter((container) => container !== null)
  for (const container of containers) hideEnvironment(docker.mask, container)
  const missing: Blocker[] =
    containers.length === ids.length
      ? []
      : [
          {
            id: 'changed_meanwhile',
            what: 'The containers changed while they were looked at',
            why: `${ids.length - containers.length} of ${ids.length} are gone`,
            next: 'Assess again.'
          }
        ]
  return { containers, missing }
}

/** A replica that runs the candidate already stays as it is. */
const isToReplace =
  ({ image }: Candidate) =>
  (container: Container): boolean =>
    container.Image !== image?.Id || !container.State.Running

const wayNote = (container: Container, whyNot: string | null): string =>
  whyNot
    ? `${baseName(container.Name)} stops before its replacement starts, for ${whyNot}.`
    : `The replacement of ${baseName(container.Name)} becomes healthy beside it before it stops; for the moment in which it stops its aliases lead to both.`

const missingImageNotes = (containers: readonly Container[], images: ReadonlyMap<string, unknown>): string[] =>
  containers.some((container) => !images.has(container.Image))
    ? [
        'The image of the failed containers is gone from the engine, so its defaults cannot be told from settings of the user; all are kept.'
      ]
    : []
