import type { DeploymentRecord } from '../../../../model/deployment-record.ts'
import type { Blocker, Health, Observation, Risk } from '../../../../model/observation.ts'
import type { Release } from '../../../../model/release.ts'
import { fingerprint } from '../../../../support/canonical.ts'
import type { Observed } from '../../../target.ts'
import { leftBothNotes } from '../../compose/two-of-one.ts'
import { withEarlierConfiguration } from '../../configuration/same-release.ts'
import type { DockerContext } from '../../context.ts'
import { nameOfImage } from '../../objects/name-of.ts'
import { baseName } from '../../objects/names.ts'
import { isGenericTag, parseReference } from '../../objects/reference.ts'
import type { Container, Image, ImageDefaults } from '../../objects/schemas.ts'
import { exactId, identitiesOf, revisionLabel } from '../../objects/version.ts'
import { readLease } from '../lease.ts'
import { healthOf, instant } from './current-health.ts'
import { leftAloneNotes, runningJobRisks, withoutDone } from './left-alone.ts'
import { findReleases, identitiesKnown } from './releases.ts'
import { snapshotOf } from './snapshot.ts'
import { findWorkload, type Workload } from './workload.ts'

/** What the engine says of the target, now. */
export async function observe(
  docker: DockerContext,
  history: readonly DeploymentRecord[],
  signal: AbortSignal
): Promise<Observed<ContainersState>> {
  const workload = await findWorkload(docker, signal)
  const images = await imagesOf(docker, workload.containers, signal)
  const current = currentRelease(workload, images, history)
  const currentIds = [...images.values()].flatMap(identitiesOf).concat(current ? [current.id] : [])
  const [{ releases, notes }, lease] = await Promise.all([
    findReleases(
      docker,
      workload,
      history,
      docker.withConfig || isMixed(workload) || workload.missing ? [] : currentIds,
      signal
    ),
    readLease(docker, workload.project ?? null, signal)
  ])
  const health = withMissing(withShare(healthOf(withoutDone(workload), docker.clock), workload, current), workload)
  const observation: Observation = {
    current,
    health,
    ...(isMixed(workload) && { mixedReleases: true }),
    releases: docker.withConfig ? await withEarlier(docker, releases, { workload, currentIds }, signal) : releases,
    risks: [...risksOf(workload), ...runningJobRisks(workload)],
    blockers: blockersOf(workload),
    fingerprint: fingerprint({
      containers: workload.containers.map(({ Name, Id, Image: image }) => ({ name: Name, id: Id, image })),
      ...(workload.missing ? { missing: { ...workload.missing } } : {})
    }),
    ...(lease ? { lease } : {}),
    snapshot: snapshotOf(workload.containers, defaultsOf(images)),
    notes: [...notesOf(workload), ...notes, ...(await earlierNote(docker, workload, current, health, signal))]
  }
  return { observation, state: { ...workload, kind: 'containers', containerImages: images } }
}

/** A version may fail for its configuration alone. */
async function earlierNote(
  docker: DockerContext,
  workload: Workload,
  current: Release | null,
  { state }: Health,
  signal: AbortSignal
): Promise<string[]> {
  const isAsked = docker.withConfig || isMixed(workload) || workload.missing !== undefined
  const isWell = (state === 'healthy' || state === 'progressing') && docker.history[0]?.status !== 'failed'
  if (!current || isAsked || isWell) return []
  if (!(await withEarlierConfiguration(docker, current, workload, signal))) return []
  return [
    `${current.version} was deployed before with a configuration that is still known. --to ${current.version} --with-config (with_config) goes back to it.`
  ]
}

/** The release that serves is one to go back to where an earlier configuration of it is known. */
async function withEarlier(
  docker: DockerContext,
  releases: readonly Release[],
  { workload, currentIds }: { workload: Workload; currentIds: readonly string[] },
  signal: AbortSignal
): Promise<Release[]> {
  if (isMixed(workload) || workload.missing) return [...releases]
  const isCurrent = (release: Release): boolean =>
    identitiesKnown(release).some((identity) => currentIds.includes(identity))
  const found = await Promise.all(
    releases.map((one) => (isCurrent(one) ? withEarlierConfiguration(docker, one, workload, signal) : one))
  )
  return found.filter((release) => release !== null)
}

/** What plans for containers are made of. */
export interface ContainersState extends Workload {
  kind: 'containers'
  /** The images that the containers run, by id; one that was removed by force is missing. */
  containerImages: ReadonlyMap<string, Image>
}

/** The images that containers run, by id; an image that was removed by force is missing. */
async function imagesOf(
  docker: DockerContext,
  containers: readonly Container[],
  signal: AbortSignal
): Promise<Map<string, Image>> {
  const ids = [...new Set(containers.map((container) => container.Image))]
  const images = await Promise.all(ids.map((id) => docker.engine.images.inspect(id, signal)))
  return new Map(images.flatMap((image) => (image ? [[image.Id, image] as const] : [])))
}

/** What images set by default, by image id. */
export const defaultsOf = (images: ReadonlyMap<string, Image>): Map<string, ImageDefaults> =>
  new Map([...images].flatMap(([id, { Config }]) => (Config ? [[id, Config] as const] : [])))

function currentRelease(
  workload: Workload,
  images: Map<string, Image>,
  history: readonly DeploymentRecord[]
): Release | null {
  const newest = newestOf(workload.containers)
  if (!newest) return null
  const image = images.get(newest.Image) ?? null
  const { version, guessed } = nameOfImage(newest, image, history)
  const commit = image?.Config?.Labels?.[revisionLabel]
  const from = instant(newest.State.StartedAt)
  return {
    version,
    ...(guessed && { guessed }),
    id: image ? exactId(image, workload.repository, history) : newest.Image,
    createdAt: instant(newest.Created),
    ...(commit && /^[a-f0-9]{7,64}$/.test(commit) ? { commit } : {}),
    ...(from ? { served: { from, source: `container ${newest.Name}` } } : {}),
    available: { state: 'yes', reason: 'it is deployed' },
    details: {
      containers: workload.containers.map(({ Id, Name }) => ({ id: Id, name: baseName(Name) })),
      identities: image ? identitiesOf(image) : [newest.Image]
    }
  }
}

const newestOf = (containers: readonly Container[]): Container | undefined =>
  [...containers].sort((a, b) => Date.parse(b.Created) - Date.parse(a.Created))[0]

const isMixed = (workload: Workload): boolean => new Set(workload.containers.map(({ Image: image }) => image)).size > 1

/** In the middle of a roll, how far it came. */
function withShare(health: Health, workload: Workload, current: Release | null): Health {
  if (!current || !isMixed(workload)) return health
  const { containers } = workload
  const newest = newestOf(containers)
  const count = containers.filter((container) => container.Image === newest?.Image).length
  return {
    ...health,
    message: `${count} of ${containers.length} containers ${count === 1 ? 'runs' : 'run'} ${current.version}; ${health.message}`
  }
}

/** A service without a container serves nothing, however well the others are. */
function withMissing(health: Health, { containers, missing }: Workload): Health {
  if (!missing || containers.length === 0) return health
  const message = `${missing.services.join(', ')} has no container; ${health.message}`
  const { serving = 0, all = containers.length } = health.instances ?? {}
  const instances = { serving, all: all + missing.services.length }
  return { ...health, state: health.state === 'down' ? 'down' : 'degraded', message, instances }
}

function risksOf(workload: Workload): Risk[] {
  const tags = new Set(workload.containers.map(({ Config }) => parseReference(Config.Image)?.tag ?? 'latest'))
  const generic = [...tags].filter(isGenericTag)
  return generic.map((tag) => ({
    id: `generic_tag:${tag}`,
    serious: false,
    title: `The containers were started from the tag "${tag}"`,
    detail: `The next deployment takes whatever "${tag}" means then. Point the tag back, or deploy by version.`
  }))
}

function blockersOf(workload: Workload): Blocker[] {
  const blockers: Blocker[] = []
  if (workload.containers.length === 0 && !workload.missing)
    blockers.push({
      id: 'no_container',
      what: 'There is no container to replace',
      why: workload.repository
        ? `no container on this engine was created from ${workload.repository}`
        : 'the configuration names neither image_name nor containers',
      next: 'Name the image (image_name, registry) or the containers in the configuration, or start the earlier version.'
    })
  if (workload.ambiguous)
    blockers.push({
      id: 'ambiguous',
      what: 'It is not clear which containers to roll back',
      why: workload.ambiguous,
      next: 'Name them in `containers` in the configuration of the target.'
    })
  for (const container of workload.containers)
    if (container.HostConfig.AutoRemove)
      blockers.push({
        id: `auto_remove:${container.Name}`,
        what: `${container.Name} cannot be replaced safely`,
        why: 'it was started with --rm: once stopped it is removed with its anonymous volumes, and could not be restored',
        next: 'Start the earlier version manually, without --rm.'
      })
  return blockers
}

function notesOf(workload: Workload): string[] {
  const notes: string[] = []
  if (workload.missing)
    notes.push(
      `${workload.missing.services.join(', ')} has no container; it can be created from ${workload.missing.files.join(', ')}.`
    )
  if (isMixed(workload)) notes.push('The containers do not all run the same image; the newest one counts as current.')
  notes.push(...leftAloneNotes(workload), ...leftBothNotes(workload.meant))
  return notes
}
