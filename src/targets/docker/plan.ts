import { z } from 'zod'
import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import type { Blocker, Risk, Survey } from '../../model/survey.ts'
import { type Candidate, findCandidate } from './candidate.ts'
import { servicesOf } from './compose/labels.ts'
import { findCompose } from './compose/program.ts'
import { changeRisks, neededChanges, reminderStep } from './compose/reminder.ts'
import { type Missing, reviveStep } from './compose/revive.ts'
import { servesNothing } from './current.ts'
import { type Container, inspectContainer, listContainers } from './inspect.ts'
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
} from './precautions.ts'
import { mergedConfig, userConfigOf } from './recreate/configuration.ts'
import { whyNotBeside } from './side-by-side.ts'
import { dependentSteps, findDependents } from './steps/dependents.ts'
import { defaultsOf, imagesOf } from './survey.ts'
import { baseName } from './workload.ts'
import { hideEnvironment, type Workshop } from './workshop.ts'

/** The steps from what serves to a release, with every precondition checked. */
export async function plan(
  workshop: Workshop,
  survey: Survey,
  release: Release,
  history: readonly DeploymentRecord[],
  signal: AbortSignal
): Promise<PlanDraft> {
  const { containers, missing } = await containersOf(workshop, survey, signal)
  const images = await imagesOf(workshop, containers, signal)
  const up = containers.filter(({ State }) => State.Running && !State.Restarting)
  const running = up.flatMap(({ Image: id }) => images.get(id) ?? [])
  const candidate = await findCandidate(workshop, release, history, signal, running)
  const all = await listContainers(workshop.engine, { signal })
  const defaults = defaultsOf(images)
  const ways = containers.filter(isToReplace(candidate)).map((container) => {
    const user = userConfigOf(container, defaults.get(container.Image))
    const future = candidate.image ? mergedConfig(user, candidate.image.Config) : container.Config
    const isDown = servesNothing(container, workshop.clock)
    return { container, whyNot: whyNotBeside(container, future.Healthcheck), isDown }
  })
  const replaced = ways.map(({ container: { Id, Name } }) => ({ id: Id, name: baseName(Name) }))
  const dependents = replaced.length > 0 ? await findDependents(workshop, replaced, all, signal) : []
  const places = servicesOf(containers)
  const changes = await neededChanges(workshop, places, release.version)
  const absent = missingSchema.safeParse(survey.fingerprint.missing)
  if (containers.length === 0 && absent.success) return planRevival(workshop, release, candidate, absent.data)
  const blockers: Blocker[] = [
    ...missing,
    ...candidate.blockers,
    ...portBlockers(containers, all),
    ...(workshop.config.rehearse ? rehearsalBlockers(containers) : [])
  ]
  const risks: Risk[] = [
    ...candidate.risks,
    ...dependentRisks(dependents),
    ...volumeRisks(containers, all),
    ...migratedVolumeRisks(containers, survey.current, release),
    ...configurationRisks(containers, defaults, release, history),
    ...changeRisks(changes, release.version)
  ]
  const notes = [
    ...candidate.notes,
    ...ways.map(({ container, whyNot }) => wayNote(container, whyNot)),
    ...portNotes(containers),
    ...volumeNotes(containers),
    'Environment and mounts are taken from the containers that are replaced; the image alone goes back.',
    ...missingImageNotes(containers, images)
  ]
  return {
    steps: [
      ...planSteps(workshop, survey, release, candidate, ways),
      ...dependentSteps(dependents),
      ...(places.length > 0 && candidate.shown ? [reminderStep(release, places)] : [])
    ],
    risks,
    blockers,
    fingerprint: { image: candidate.exact, platform: candidate.platform },
    notes
  }
}

const missingSchema = z.looseObject({
  file: z.string(),
  services: z.array(z.string()),
  repository: z.string().nullable()
})

/** Nothing is left to replace: Compose creates the services anew. */
async function planRevival(
  workshop: Workshop,
  release: Release,
  candidate: Candidate,
  missing: Missing
): Promise<PlanDraft> {
  const places = missing.services.map((service) => ({ service, workingDir: null, files: [missing.file] }))
  const changes = await neededChanges(workshop, places, release.version)
  const noProgram: Blocker[] = (await findCompose(workshop.env))
    ? []
    : [
        {
          id: 'no_compose',
          what: 'The service cannot be created',
          why: 'no container of it is left, and Docker Compose v2 was not found',
          next: 'Install Docker Compose v2, or start the earlier version by hand.'
        }
      ]
  return {
    steps: [
      ...(candidate.image ? [] : [pullStep(release, candidate)]),
      reviveStep(release, candidate, missing, workshop.config.project ?? null),
      ...(candidate.shown ? [reminderStep(release, places)] : [])
    ],
    risks: [...candidate.risks, ...changeRisks(changes, release.version)],
    blockers: [...candidate.blockers, ...noProgram],
    fingerprint: { image: candidate.exact, platform: candidate.platform },
    notes: [
      ...candidate.notes,
      'Environment and mounts are what the Compose file says today.',
      ...(workshop.config.rehearse
        ? ['Nothing is rehearsed, for no container is left that it could be made from.']
        : [])
    ]
  }
}

async function containersOf(
  workshop: Workshop,
  survey: Survey,
  signal: AbortSignal
): Promise<{ containers: Container[]; missing: Blocker[] }> {
  const listed = survey.fingerprint.containers
  const ids = Array.isArray(listed) ? listed.flatMap((item) => idOf(item)) : []
  const found = await Promise.all(ids.map((id) => inspectContainer(workshop.engine, id, signal)))
  const containers = found.filter((container) => container !== null)
  for (const container of containers) hideEnvironment(workshop.mask, container)
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

const idOf = (item: unknown): string[] => {
  const id = (item as { id?: unknown } | null)?.id
  return typeof id === 'string' ? [id] : []
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
