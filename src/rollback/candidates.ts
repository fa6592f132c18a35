import type { DeploymentRecord } from '../model/deployment-record.ts'
import type { Release } from '../model/release.ts'
import { duration, oneLine } from '../support/text.ts'
import { type ServingPeriod, servingPeriods } from './serving-periods.ts'

/** A release to go back to, with the evidence for and against it. */
export interface Candidate {
  release: Release
  /** Seen to serve well, and nothing bad since. */
  good: boolean
  /** When it last served well, as far as known. */
  lastGoodAt?: string
  evidenceFor: string[]
  evidenceAgainst: string[]
}

/** What a former rollback tells against a version. */
export interface FormerRollback {
  version: string
  id: string
  at: string
  rollbackId: string
  /** "a return to it did not come up". */
  tells: string
}

export interface Evidence {
  history: readonly DeploymentRecord[]
  formerRollbacks: readonly FormerRollback[]
  now: string
}

/** Every release with its evidence, best first: those that served well last come first, unavailable ones last. */
export function rankCandidates(current: Release | null, releases: readonly Release[], evidence: Evidence): Candidate[] {
  const periods = byVersion(servingPeriods(evidence.history, evidence.now))
  const records = byVersion(evidence.history)
  const candidates = releases
    .filter((release) => release.id !== current?.id)
    .map((release) => {
      const known = { periods: periods.get(release.version) ?? [], records: records.get(release.version) ?? [] }
      return weigh(release, known, evidence.formerRollbacks)
    })
  return candidates.sort(byWorth)
}

/** The best candidate that has evidence for it and nothing against it, or null. */
export const recommend = (current: Release | null, ranked: readonly Candidate[]): Candidate | null =>
  ranked.find(
    ({ release, good, evidenceAgainst }) =>
      good &&
      evidenceAgainst.length === 0 &&
      release.available.state !== 'no' &&
      release.version !== current?.version &&
      (!release.prerelease || current?.prerelease === true)
  ) ?? null

const mostEvidence = 3

function evidenceOf({ from, until }: ServingPeriod): string {
  const forMs = Date.parse(until) - Date.parse(from)
  return `recorded success at ${from}${forMs > 0 ? `, served ${duration(forMs)}` : ''} (deploy.json)`
}

function byVersion<Item extends { version: string }>(items: readonly Item[]): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const group = groups.get(item.version)
    if (group) group.push(item)
    else groups.set(item.version, [item])
  }
  return groups
}

interface KnownOf {
  periods: readonly ServingPeriod[]
  records: readonly DeploymentRecord[]
}

function weigh(release: Release, { periods, records }: KnownOf, formerRollbacks: readonly FormerRollback[]): Candidate {
  const evidenceFor: string[] = []
  const evidenceAgainst: string[] = []
  const mine = records.filter(({ digest }) => sameDigest(digest, release))
  const served = periods.filter(({ digest }) => sameDigest(digest, release))
  const bad = lastBad(release, mine, formerRollbacks)

  const good: string[] = []
  for (const period of served) {
    if (bad && period.from <= bad.at) continue
    good.push(period.until)
    if (evidenceFor.length < mostEvidence) evidenceFor.push(evidenceOf(period))
  }
  if (release.served) {
    const { from, until, forMs, source } = release.served
    const last = until ?? from ?? release.createdAt
    if (!bad || (last !== undefined && last > bad.at)) {
      good.push(last ?? '')
      const length = forMs === undefined ? '' : ` for ${duration(forMs)}`
      evidenceFor.push(`served${length}${until ? ` until ${until}` : ''} (${source})`)
    }
  }
  if (bad && good.length === 0) evidenceAgainst.push(bad.text)
  evidenceAgainst.push(...(release.against ?? []))
  if (release.available.state === 'no') evidenceAgainst.push(release.available.reason ?? 'no longer available')

  const lastGoodAt = good.reduce((last, at) => (at > last ? at : last), '')
  return {
    release,
    good: good.length > 0,
    ...(lastGoodAt && { lastGoodAt }),
    evidenceFor: evidenceFor.slice(0, mostEvidence),
    evidenceAgainst
  }
}

interface Bad {
  at: string
  text: string
}

/** The last time that somebody rolled back from it, it failed, or a return to it failed. */
function lastBad(
  release: Release,
  mine: readonly DeploymentRecord[],
  formerRollbacks: readonly FormerRollback[]
): Bad | null {
  const record = latest(mine.filter(({ status }) => status === 'rolled_back' || status === 'failed'))
  const former = latest(formerRollbacks.filter(({ id, version }) => id === release.id || version === release.version))
  const marks: Bad[] = []
  if (record) marks.push({ at: record.at, text: badRecord(record) })
  if (release.rolledBackAt)
    marks.push({ at: release.rolledBackAt, text: `rolled back from at ${release.rolledBackAt} (marked on the target)` })
  if (former) marks.push({ at: former.at, text: `${former.tells} at ${former.at} (${former.rollbackId})` })
  return latest(marks)
}

const badRecord = ({ status, at, rollbackTo, error }: DeploymentRecord): string =>
  status === 'failed'
    ? `failed at ${at}${error ? `: ${oneLine(error, 100)}` : ''}`
    : `rolled back from at ${at}${rollbackTo ? ` to ${rollbackTo}` : ''}`

/** Of several at the same time, the last one in the list. */
const latest = <Item extends { at: string }>(items: readonly Item[]): Item | null =>
  items.reduce<Item | null>((last, item) => (last && last.at > item.at ? last : item), null)

/** A version whose tag was pushed again is another release: where both digests are known they must agree. */
export const sameDigest = (digest: string | undefined, release: Release): boolean =>
  digest === undefined || !looksLikeDigest(digest) || !looksLikeDigest(release.id) || digest === release.id

const looksLikeDigest = (text: string): boolean => /^sha\d+[:-]/.test(text)

/** Instants in ISO 8601 order as text does; a locale's order would be slow. */
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function byWorth(a: Candidate, b: Candidate): number {
  const worth = ({ release, good, evidenceAgainst }: Candidate): number =>
    (release.available.state === 'no' ? 0 : 4) + (good ? 2 : 0) + (evidenceAgainst.length === 0 ? 1 : 0)
  const time = ({ release, lastGoodAt }: Candidate): string => lastGoodAt ?? release.createdAt ?? ''
  return worth(b) - worth(a) || order(time(b), time(a)) || a.release.version.localeCompare(b.release.version)
}
