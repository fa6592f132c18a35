import { z } from 'zod'
import type { DeploymentRecord } from '../../../../model/deployment-record.ts'
import type { Observation } from '../../../../model/observation.ts'
import type { Release, Served } from '../../../../model/release.ts'
import type { DockerContext } from '../../context.ts'
import { howToVouch } from '../../engine/vouched.ts'
import { isSameNumber, knownAs } from '../../objects/known-as.ts'
import { isGenericTag, parseReference, splitRepository, tagPattern } from '../../objects/reference.ts'
import type { Container } from '../../objects/schemas.ts'
import { identitiesOf } from '../../objects/version.ts'
import { isWithheld, type Login, loginFor } from '../../registry/credentials.ts'
import { type Lookup, lookUp, lookUpOnce } from '../../registry/lookup.ts'
import { listTags } from '../../registry/tags.ts'
import { replacedLabel } from '../recreate/request.ts'
import { instant } from './current-health.ts'
import { isPrerelease, localReleases, recordedDigest, withoutTag } from './local-releases.ts'
import type { Workload } from './workload.ts'

/** How many tags that only the registry has are looked up exactly. */
const mostLookups = 20

/** What a release of this target carries for planning. */
export const releaseDetailsSchema = z.looseObject({
  /** Exact: an image id, or `repository@digest`. */
  reference: z.string(),
  /** The tag by which people know it; null for an image without. */
  shown: z.string().nullable(),
  local: z.boolean(),
  /** Every exact identity known of it: image id, digests. */
  identities: z.array(z.string()),
  /** Why the registry does not give it. */
  trouble: z.enum(['gone', 'denied', 'rate_limited', 'unreachable']).optional(),
  /** How an image on the engine got its version, which image it is, and which others would have it, too. */
  named: z
    .object({ by: z.enum(['record', 'tag', 'label', 'identity']), image: z.string(), rivals: z.array(z.string()) })
    .optional(),
  /** Present when the tag means another image than history recorded; `kept` when the recorded one is still available. */
  moved: z.object({ recorded: z.string(), now: z.array(z.string()), kept: z.boolean() }).optional()
})

/** Where releases of a repository are found besides the registry and the history. */
type ReleaseSources = Pick<Workload, 'repository' | 'images' | 'containers' | 'retired'> &
  Partial<Pick<Workload, 'everyImage'>>

/** Everything the target could go back to: local images, the registry's tags, and what history remembers. */
export async function findReleases(
  docker: DockerContext,
  workload: ReleaseSources,
  history: readonly DeploymentRecord[],
  currentIds: readonly string[],
  signal: AbortSignal
): Promise<{ releases: Release[]; notes: string[] }> {
  const { repository } = workload
  if (!repository) return { releases: [], notes: ['No image name is known, so earlier releases cannot be found.'] }
  const notes: string[] = []
  const login = await loginFor(splitRepository(repository).registry, docker, signal)
  if (login.trouble) notes.push(login.trouble)
  if (isWithheld(docker.engine, login)) notes.push(withheldNote(docker, login))
  const listing = await listTags(repository, login.credentials, {
    env: docker.env,
    mask: docker.mask,
    now: docker.clock.now(),
    signal
  })
  if ('trouble' in listing) notes.push(`Only local images and the history were considered: ${listing.trouble}.`)
  const images = new Set([...workload.images, ...withoutTag(workload.everyImage ?? [], workload, history)])
  const local = localReleases([...images], repository, history)
  const recorded = history.filter((record) => record.status === 'success' && tagPattern.test(record.version))
  const remote = 'tags' in listing ? listing.tags.filter((tag) => !isGenericTag(tag)) : []
  const tags = new Map<string, string>()
  for (const tag of remote) {
    const version = knownAs(tag, null, history)
    if (!tags.has(version) || tag === version) tags.set(version, tag)
  }
  const wanted = new Set([...recorded.map((record) => record.version), ...[...tags.keys()].sort(newestFirst)])
  const missing = [...wanted].filter((version) => !local.has(version))
  if (missing.length > mostLookups)
    notes.push(`The registry has ${missing.length} more tags; ${mostLookups} of them were checked.`)
  const found = await inParallel(missing.slice(0, mostLookups), 6, (version) =>
    remoteRelease({ version, tag: tags.get(version) ?? version }, repository, history, (reference) =>
      tags.has(version) || reference.includes('@') || 'trouble' in listing
        ? lookUpOnce(docker, reference, login, signal)
        : Promise.resolve<Lookup>({ state: 'gone', reason: `the registry has no tag ${version}` })
    )
  )
  const kept = await inParallel([...local.values()].filter(isMoved), 6, async (release) => {
    const tag = parseReference(releaseDetailsSchema.parse(release.details).shown ?? '')?.tag ?? release.version
    const again = await remoteRelease({ version: release.version, tag }, repository, history, (reference) =>
      lookUp(docker, reference, login, signal)
    )
    return again.available.state === 'yes' && again.id === recordedDigest(history, release.version) ? again : release
  })
  for (const release of kept) local.set(release.version, release)
  const current = new Set(currentIds)
  const releases = [...local.values(), ...found].filter(
    (release) => !current.has(release.id) && !isSame(release, current)
  )
  return { releases: releases.map((release) => withMarks(release, workload)), notes }
}

const withheldNote = ({ engine }: DockerContext, { from, registry }: Login): string =>
  `The login ${from} for ${registry} was not sent to the engine at ${engine.address}, which only deploy.json names. ${howToVouch(engine.address)}`

/** Whether an image, as a step names it, is the one of a release: by its digest or id, or as the engine knows it. */
export async function isImageOf(
  { engine }: DockerContext,
  image: string,
  release: Release,
  repository: string | null,
  signal: AbortSignal
): Promise<boolean> {
  const known = new Set(identitiesKnown(release))
  const reference = parseReference(image)
  if (reference && reference.repository !== repository) return false
  if (known.has(reference?.digest ?? image)) return true
  const there = await engine.images.inspect(image, signal)
  return there !== null && identitiesOf(there).some((identity) => known.has(identity))
}

/** Whether a tag is one of a release: by its version, as the engine or registry shows it, or as a container of it was started. */
export function isTagOf(
  tag: string,
  release: Release,
  { observation, state }: { observation: Observation; state: Pick<Workload, 'meant'> }
): boolean {
  if (isSameNumber(tag, release.version)) return true
  const shown = observation.releases
    .filter(({ id }) => id === release.id)
    .map(({ details }) => releaseDetailsSchema.partial().safeParse(details ?? {}).data?.shown)
  return [...shown, ...state.meant.map(({ Config }) => Config.Image)].some(
    (text) => parseReference(text ?? '')?.tag === tag
  )
}

/** Every exact identity that is known of a release. */
export const identitiesKnown = ({ id, details }: Release): string[] => [
  id,
  ...(Array.isArray(details?.identities) ? details.identities : []).filter((one) => typeof one === 'string')
]

const isMoved = (release: Release): boolean => release.details?.moved !== undefined

const isSame = (release: Release, current: Set<string>): boolean => {
  const identities = release.details?.identities
  return (
    Array.isArray(identities) && identities.some((identity) => typeof identity === 'string' && current.has(identity))
  )
}

async function remoteRelease(
  { version, tag }: { version: string; tag: string },
  repository: string,
  history: readonly DeploymentRecord[],
  look: (reference: string) => Promise<Lookup>
): Promise<Release> {
  const recorded = recordedDigest(history, version)
  const byDigest = recorded ? await look(`${repository}@${recorded}`) : null
  const byTag = await look(`${repository}:${tag}`)
  const exact = byDigest?.state === 'there' ? byDigest : byTag.state === 'there' ? byTag : null
  const movedTo = recorded && byTag.state === 'there' && byTag.digest !== recorded ? byTag.digest : null
  const trouble = exact ? null : byTag.state === 'there' ? null : byTag
  return {
    version,
    id: exact?.digest ?? recorded ?? `tag:${version}`,
    available: exact
      ? { state: 'yes', reason: 'the registry has it' }
      : { state: trouble?.state === 'gone' ? 'no' : 'unknown', reason: trouble?.reason ?? 'not found' },
    prerelease: isPrerelease(version),
    details: {
      reference: exact || recorded ? `${repository}@${exact?.digest ?? recorded}` : `${repository}:${tag}`,
      shown: `${repository}:${tag}`,
      local: false,
      identities: exact ? [exact.digest] : [],
      ...(trouble ? { trouble: trouble.state } : {}),
      ...(movedTo && recorded ? { moved: { recorded, now: [movedTo], kept: byDigest?.state === 'there' } } : {})
    }
  }
}

/** Adds when a release served here (from stopped containers), and when a rollback replaced it. */
function withMarks(release: Release, workload: ReleaseSources): Release {
  const identities = new Set(identitiesKnown(release))
  const served = workload.retired
    .filter((container) => identities.has(container.Image))
    .map(servedBy)
    .find((item) => item !== null)
  const rolledBackAt = [...workload.containers, ...workload.retired]
    .filter((container) => identities.has(container.Config.Labels?.[replacedLabel]?.split(' ')[1] ?? ''))
    .map((container) => instant(container.Created))
    .sort()
    .at(-1)
  return { ...release, ...(served ? { served } : {}), ...(rolledBackAt ? { rolledBackAt } : {}) }
}

function servedBy(container: Container): Served | null {
  const from = instant(container.State.StartedAt)
  const until = instant(container.State.FinishedAt)
  if (!from || !until || until <= from) return null
  return { from, until, forMs: Date.parse(until) - Date.parse(from), source: `container ${container.Name}` }
}

const newestFirst = (a: string, b: string): number => b.localeCompare(a, 'en', { numeric: true })

async function inParallel<A, B>(items: readonly A[], width: number, work: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = []
  for (let at = 0; at < items.length; at += width)
    results.push(...(await Promise.all(items.slice(at, at + width).map(work))))
  return results
}
