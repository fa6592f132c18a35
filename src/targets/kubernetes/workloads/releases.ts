import { z } from 'zod'
import type { JsonObject } from '../../../model/json.ts'
import type { Release, Served } from '../../../model/release.ts'
import { fingerprintOf } from '../../../support/canonical.ts'
import { oneLine, quoted } from '../../../support/text.ts'
import { revisionVersion, tagOf } from '../objects/image-name.ts'
import type { Move, Side } from '../objects/move.ts'
import { type Address, addressText, shortText } from '../objects/names.ts'
import { pinnedFrom } from '../objects/pins.ts'
import { differByRestart } from '../objects/restarts.ts'
import type { Revision } from '../objects/revision.ts'
import type { Workload } from '../objects/workload.ts'

const revisionSchema = z.looseObject({ name: z.string(), hash: z.string(), number: z.number().default(0) })

/** What `plan` and `check` need of a release: the revision object of each workload, and the hash of its template. */
export const detailsSchema = z.looseObject({ revisions: z.record(z.string(), revisionSchema) })

/** What a release is of one workload. */
export const revisionOf = ({ details }: Release, address: Address): z.infer<typeof revisionSchema> | undefined =>
  detailsSchema.safeParse(details).data?.revisions[addressText(address)]

export interface Part {
  workload: Workload
  revision: Revision
}

/** The release that should serve, and those that every workload can go back to. */
export function releasesOf(workloads: readonly Workload[]): {
  current: Release
  releases: Release[]
  mixedReleases: boolean
} {
  const now = workloads.map((workload) => ({ workload, revision: deployed(workload) }))
  const current = releaseOf(currentVersion(now.map(nameOf)), now)
  const releases = setsOf(workloads).flatMap(({ version, having }) => {
    const parts = workloads.map((workload) => ({
      workload,
      revision: having.find((part) => part.workload === workload)?.revision ?? alongside(workload, having)
    }))
    const whole = parts.filter((part): part is Part => part.revision !== undefined)
    const missing = parts.filter(({ revision }) => !revision).map(({ workload }) => shortText(workload.address))
    const release = releaseOf(version ?? versionByNumber(whole, having[0]), whole, missing)
    return release.id === current.id ? [] : [release]
  })
  return {
    current,
    mixedReleases: new Set(now.map(nameOf)).size > 1 || workloads.some((workload) => !workload.current),
    releases: [...new Map(releases.reverse().map((release) => [release.id, release])).values()].reverse()
  }
}

/**
 * A release of which a journal or lease knows only the identity and the moves of its steps, as the cluster keeps it: a mixture that
 * served, or what has no revision any more. Unchanged, without details, where the moves do not add up to that identity.
 */
export function releaseOfMoves(
  release: Release,
  side: Side,
  moves: readonly Move[],
  workloads: readonly Workload[]
): Release {
  if (release.details) return release
  const parts = workloads.map((workload) => {
    const move = moves.find((one) => addressText(one) === addressText(workload.address))
    const {
      revision: name,
      hash,
      own = hash
    } = move?.[side] ?? { revision: deployed(workload).name, hash: workload.hash }
    const kept = workload.revisions.find((revision) => revision.name === name)
    return {
      workload,
      revision: kept ?? { ...pending(workload), name: name || `pending-${hash}`, hash: own, image: '' }
    }
  })
  const { id, version, details } = releaseOf(currentVersion(parts.map(nameOf)), parts)
  const isNamedSo =
    version === release.version || isByNumber(release.version) || parts.some(({ revision }) => !revision.image)
  return id === release.id && isNamedSo && details ? { ...release, details } : release
}

/** A version that no tag names: its number changes when the cluster goes back to it. */
export const isByNumber = (version: string): boolean => /(^|-)revision-\d+$|^mixed-[0-9a-f]+$/.test(version)

interface VersionSet {
  /** The tag; undefined if there is only a revision's number. */
  version?: string
  /** The revisions of that version. A number says nothing about another workload, so a set by number has one. */
  having: Part[]
}

/** The seeds of releases: each tag, with all revisions that have it, then each revision that no tag distinguishes. */
function setsOf(workloads: readonly Workload[]): VersionSet[] {
  const all = workloads.flatMap((workload) =>
    workload.revisions.map((revision) => ({
      workload,
      revision: revision === workload.current ? deployed(workload) : revision
    }))
  )
  const tags = new Set(all.filter(isNamedByTag).map(nameOf))
  return [
    ...[...tags].map((version) => ({
      version,
      having: all.filter((part) => isNamedByTag(part) && nameOf(part) === version)
    })),
    ...all.filter((part) => !isNamedByTag(part)).map((part) => ({ having: [part] }))
  ]
}

/** With several workloads, a number includes the name of its workload, unless they all have the same number. */
function versionByNumber(parts: readonly Part[], around: Part | undefined): string {
  const names = new Set(parts.map(nameOf))
  const [name = ''] = names
  if (names.size === 1 || !around) return name
  const { address } = around.workload
  const alike = parts.filter(({ workload }) => workload.address.name === address.name).length > 1
  const of = alike ? addressText(address).replaceAll('/', '-') : address.name
  return `${of.slice(0, 100)}-${nameOf(around)}`
}

/** The image's tag; the revision's number where several revisions of the workload share that tag. */
const nameOf = (part: Part): string =>
  (isNamedByTag(part) && tagOf(part.revision.image)) || revisionVersion(part.revision.number)

function isNamedByTag({ workload, revision }: Part): boolean {
  const tag = tagOf(revision.image)
  return tag !== null && !workload.revisions.some(({ name, image }) => name !== revision.name && tagOf(image) === tag)
}

/** One deployment may take this long to change all workloads; revisions that met only within this time never ran together. */
const spreadMs = 60_000

/**
 * The revision of another workload that last ran together with these; if all of them met only briefly, the one that did for the
 * longest, and of several the oldest, which had served.
 */
function alongside(workload: Workload, parts: readonly Part[]): Revision | undefined {
  // Not by number: that of a revision changes when the cluster goes back to it, and a release keeps its identity.
  const newestFirst = [...workload.revisions].sort((a, b) => (b.createdAt ?? '').localeCompare(a.createdAt ?? ''))
  const met = newestFirst.flatMap((revision) => {
    const together = parts.flatMap((part) => togetherMs(periodOf({ workload, revision }), periodOf(part)) ?? [])
    return together.length > 0 ? [{ revision, forMs: Math.max(...together) }] : []
  })
  const lasting = met.find(({ forMs }) => forMs > spreadMs)
  // Newest first, and sorting leaves equal ones in their order.
  return (lasting ?? met.sort((a, b) => a.forMs - b.forMs).at(-1))?.revision
}

interface Period {
  from: number
  until: number
}

/** When a revision was the one that should serve, by the times at which revisions were created. */
function periodOf({ workload, revision }: Part): Period | null {
  if (!revision.createdAt) return null
  const from = Date.parse(revision.createdAt)
  const later = workload.revisions
    .flatMap(({ createdAt }) => (createdAt ? [Date.parse(createdAt)] : []))
    .filter((at) => at > from)
  const left = revision.rolledBackAt ? [Date.parse(revision.rolledBackAt)] : []
  return { from, until: Math.min(...later, ...left, Number.POSITIVE_INFINITY) }
}

/** How long two periods overlap; null where they do not even touch. */
function togetherMs(a: Period | null, b: Period | null): number | null {
  if (!a || !b) return null
  const ms = Math.min(a.until, b.until) - Math.max(a.from, b.from)
  return ms < 0 ? null : ms
}

const currentVersion = (names: readonly string[]): string => {
  const [first = 'unknown'] = names
  return new Set(names).size === 1 ? first : `mixed-${fingerprintOf(names)}`
}

/** What should serve; one whose images were fixed by digest still is the revision that it was made from. */
const deployed = (workload: Workload): Revision => pinnedFrom(workload) ?? workload.current ?? pending(workload)

/** What should serve before the controller has created its revision. */
const pending = ({ object, hash }: Workload): Revision => ({
  name: `pending-${hash}`,
  uid: '',
  number: 0,
  template: object.spec.template,
  hash,
  image: object.spec.template.spec.containers[0]?.image ?? ''
})

function releaseOf(version: string, parts: readonly Part[], missing: readonly string[] = []): Release {
  const identities = parts.map(({ workload, revision }) => `${addressText(workload.address)}@${revision.name}`).sort()
  const served = missing.length === 0 ? servedTogether(parts.filter(isOld)) : undefined
  const against = [...parts.flatMap(evidenceAgainst), ...restartAlone(parts.filter(isOld))]
  const rolledBackAt = parts
    .flatMap(({ revision }) => revision.rolledBackAt ?? [])
    .sort()
    .at(-1)
  const createdAt = parts
    .flatMap(({ revision }) => revision.createdAt ?? [])
    .sort()
    .at(-1)
  return {
    version,
    id:
      identities.length === 1 && missing.length === 0 ? (identities[0] ?? '') : `set-${fingerprintOf(identities, 32)}`,
    ...(createdAt && { createdAt }),
    ...(served && { served }),
    available:
      missing.length === 0
        ? { state: 'yes' }
        : { state: 'no', reason: `the cluster keeps no revision ${version} of ${missing.slice(0, 5).join(', ')}` },
    ...(against.length > 0 && { against: against.slice(0, 5) }),
    ...(rolledBackAt && { rolledBackAt }),
    notes: parts.slice(0, 5).map(noteOf),
    details: {
      revisions: detailsOf(parts)
    }
  }
}

export const detailsOf = (parts: readonly Part[]): JsonObject =>
  Object.fromEntries(
    parts.map(({ workload: { address }, revision: { name, hash, number } }) => [
      addressText(address),
      { name, hash, number }
    ])
  )

const noteOf = ({ workload, revision }: Part): string =>
  oneLine(
    `${shortText(workload.address)} revision ${revision.number}: ${revision.template.spec.containers
      .map(({ image }) => image)
      .join(', ')}${revision.changeCause ? ` (${quoted(revision.changeCause)})` : ''}`,
    300
  )

const isOld = ({ workload, revision }: Part): boolean => revision.name !== workload.current?.name

/**
 * A rolling update removes the pods of older revisions as its own become available. While an older revision still has available
 * pods, no revision in between took over.
 */
const neverTookOver = ({ workload, revision }: Part): boolean =>
  isRolling(workload) &&
  (revision.available ?? 0) === 0 &&
  workload.revisions.some((older) => older.number < revision.number && (older.available ?? 0) > 0)

const isRolling = ({ object }: Workload): boolean =>
  (object.spec.strategy?.type ?? object.spec.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate'

export const evidenceAgainst = (part: Part): string[] =>
  isOld(part) && neverTookOver(part)
    ? [`revision ${part.revision.number} of ${shortText(part.workload.address)} never took over from an older one`]
    : []

/** A tag that names a version is not moved, so a template that differs by a restart alone runs what is deployed. */
function restartAlone(parts: readonly Part[]): string[] {
  const [first] = parts
  const isSame = parts.every(
    ({ workload, revision }) =>
      tagOf(revision.image) &&
      (revision.available ?? 0) === 0 &&
      differByRestart(revision.template, workload.object.spec.template)
  )
  return first && isSame
    ? [
        `revision ${first.revision.number} of ${shortText(first.workload.address)} differs from the deployed one by a restart alone`
      ]
    : []
}

const defaultDeadlineMs = 600_000

/** A release served for as long as the part of it that served the shortest. */
function servedTogether(parts: readonly Part[]): Served | undefined {
  const each = parts.map(servedAlone)
  const [first] = each
  if (!first || each.some((one) => !one)) return undefined
  return each.reduce((a, b) => ((a?.forMs ?? 0) <= (b?.forMs ?? 0) ? a : b)) ?? first
}

export function servedAlone({ workload, revision }: Part): Served | undefined {
  if (revision.name === workload.current?.name || !revision.createdAt) return undefined
  const from = revision.createdAt
  if ((revision.available ?? 0) > 0)
    return { from, source: `${revision.available} of its pods are available and serve now` }
  const next = workload.revisions.filter(({ number }) => number > revision.number).at(-1)
  // A new number for an older revision shows a rollback at an unrecorded time.
  // A template that has no revision yet replaces the newest one now.
  const until = next || workload.current ? next?.createdAt : new Date(workload.readAt).toISOString()
  if (!until || until < from) return undefined
  if (revision.rolledBackAt || neverTookOver({ workload, revision })) return undefined
  const forMs = Date.parse(until) - Date.parse(from)
  const deadlineMs = (workload.object.spec.progressDeadlineSeconds ?? 0) * 1000 || defaultDeadlineMs
  if (forMs < deadlineMs) return undefined
  const by = next ? `revision ${next.number}` : 'the present template'
  return { from, until, forMs, source: `inferred: it was not replaced until ${by}` }
}
