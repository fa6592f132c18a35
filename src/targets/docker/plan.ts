import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import type { Blocker, Risk, Survey } from '../../model/survey.ts'
import { findCandidate } from './candidate.ts'
import { type Container, inspectContainer, listContainers } from './inspect.ts'
import { planSteps } from './plan-steps.ts'
import { configurationRisks, dependentRisks, portBlockers, portNotes } from './precautions.ts'
import { mergedConfig, userConfigOf } from './recreate/configuration.ts'
import { whyNotBeside } from './side-by-side.ts'
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
  const candidate = await findCandidate(workshop, release, history, signal)
  const images = await imagesOf(workshop, containers, signal)
  const all = await listContainers(workshop.engine, { signal })
  const defaults = defaultsOf(images)
  const ways = containers.map((container) => {
    const user = userConfigOf(container, defaults.get(container.Image))
    const future = candidate.image ? mergedConfig(user, candidate.image.Config) : container.Config
    return { container, whyNot: whyNotBeside(container, future.Healthcheck) }
  })
  const blockers: Blocker[] = [...missing, ...candidate.blockers, ...portBlockers(containers, all)]
  const risks: Risk[] = [
    ...candidate.risks,
    ...dependentRisks(containers, all),
    ...configurationRisks(containers, defaults, release, history)
  ]
  const notes = [
    ...candidate.notes,
    ...ways.map(({ container, whyNot }) => wayNote(container, whyNot)),
    ...portNotes(containers),
    'Environment and mounts are taken from the containers that are replaced; the image alone goes back.',
    ...missingImageNotes(containers, images)
  ]
  return {
    steps: planSteps(workshop, survey, release, candidate, ways),
    risks,
    blockers,
    fingerprint: { image: candidate.exact, platform: candidate.platform },
    notes
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
