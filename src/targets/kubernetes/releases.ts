import { z } from 'zod'
import type { Release, Served } from '../../model/release.ts'
import { fingerprintOf } from '../../support/canonical.ts'
import { oneLine } from '../../support/text.ts'
import { addressText, shortText } from './names.ts'
import { supersededAt } from './references.ts'
import type { Revision } from './revision.ts'
import { revisionVersion, tagOf } from './version.ts'
import type { Workload } from './workload.ts'

/** What `plan` and `check` need of a release: by workload, the revision object and the hash of its template. */
export const detailsSchema = z.looseObject({
  revisions: z.record(z.string(), z.looseObject({ name: z.string(), hash: z.string() }))
})

export interface Part {
  workload: Workload
  revision: Revision
}

/** The release that should serve, and those that every workload can go back to. */
export function releasesOf(workloads: readonly Workload[]): {
  current: Release
  releases: Release[]
  halfWay: boolean
} {
  const now = workloads.map((workload) => ({ workload, revision: workload.current ?? pending(workload) }))
  const current = releaseOf(currentVersion(now.map(nameOf)), now)
  const versions = new Set(
    workloads.flatMap((workload) => workload.revisions.map((revision) => nameOf({ workload, revision })))
  )
  const releases = [...versions].flatMap((version) => {
    const having = workloads.map((workload) => ({
      workload,
      revision: workload.revisions.find((revision) => nameOf({ workload, revision }) === version)
    }))
    const until = having
      .flatMap(({ workload, revision }) => (revision && supersededAt(workload, revision)) ?? [])
      .sort()[0]
    const parts = having.map(({ workload, revision }) => ({ workload, revision: revision ?? asOf(workload, until) }))
    const whole = parts.filter((part): part is Part => part.revision !== undefined)
    const missing = parts.filter(({ revision }) => !revision).map(({ workload }) => shortText(workload.address))
    const release = releaseOf(version, whole, missing)
    return release.id === current.id ? [] : [release]
  })
  return {
    current,
    halfWay: new Set(now.map(nameOf)).size > 1 || workloads.some((workload) => !workload.current),
    releases: [...new Map(releases.reverse().map((release) => [release.id, release])).values()].reverse()
  }
}

/** The image's tag; the revision's number where several revisions of the workload share that tag. */
function nameOf({ workload, revision }: Part): string {
  const tag = tagOf(revision.image)
  const shared = workload.revisions.some(({ name, image }) => name !== revision.name && tagOf(image) === tag)
  return tag && !shared ? tag : revisionVersion(revision.number)
}

/** What a workload of other tags was when that version was superseded elsewhere; so they go back to what ran together. */
const asOf = ({ revisions }: Workload, until: string | undefined): Revision | undefined =>
  until === undefined ? undefined : revisions.find(({ createdAt }) => createdAt !== undefined && createdAt < until)

const currentVersion = (names: readonly string[]): string => {
  const [first = 'unknown'] = names
  return new Set(names).size === 1 ? first : `mixed-${fingerprintOf(names)}`
}

/** What should serve before the controller has made its revision. */
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
  const against = parts.flatMap(evidenceAgainst)
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
      revisions: Object.fromEntries(
        parts.map(({ workload, revision }) => [
          addressText(workload.address),
          { name: revision.name, hash: revision.hash }
        ])
      )
    }
  }
}

const noteOf = ({ workload, revision }: Part): string =>
  oneLine(
    `${shortText(workload.address)} revision ${revision.number}: ${revision.template.spec.containers
      .map(({ image }) => image)
      .join(', ')}${revision.changeCause ? ` (${revision.changeCause})` : ''}`,
    300
  )

const isOld = ({ workload, revision }: Part): boolean => revision.name !== workload.current?.name

/**
 * A rolling update takes the pods of older revisions away as its own become available. While an older revision still has
 * available pods, every revision in between never took over.
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

const defaultDeadlineMs = 600_000

/** A release served as well as its weakest part is known to have served. */
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
  // A number given anew to an older revision tells of a rollback at a time that nobody wrote down.
  if (!next?.createdAt || next.createdAt < from) return undefined
  if (revision.rolledBackAt || neverTookOver({ workload, revision })) return undefined
  const forMs = Date.parse(next.createdAt) - Date.parse(from)
  const deadlineMs = (workload.object.spec.progressDeadlineSeconds ?? 0) * 1000 || defaultDeadlineMs
  if (forMs < deadlineMs) return undefined
  return { from, until: next.createdAt, forMs, source: `inferred: it was not replaced until revision ${next.number}` }
}
