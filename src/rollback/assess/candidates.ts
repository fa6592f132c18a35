import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release, Served } from '../../model/release.ts'
import { duration, quoted } from '../../support/text.ts'
import type { Candidate } from './assessment.ts'
import { type FormerRollback, isFailure, type ServingPeriod, sameDigest, servingPeriods } from './evidence.ts'

interface Evidence {
  history: readonly DeploymentRecord[]
  formerRollbacks: readonly FormerRollback[]
  now: string
}

/**
 * Every release with its evidence, best first: those that served well last come first, unavailable ones last. A good release that
 * never served for an hour, and came right after a failure, ranks after the other good ones.
 */
export function rankCandidates(current: Release | null, releases: readonly Release[], evidence: Evidence): Candidate[] {
  const periods = byVersion(servingPeriods(evidence.history, evidence.now))
  const records = byVersion(evidence.history)
  const candidates = releases
    .filter((release) => release.id !== current?.id || release.earlierConfiguration)
    .map((release) => {
      const known = { periods: periods.get(release.version) ?? [], records: records.get(release.version) ?? [] }
      return weigh(release, known, evidence)
    })
  return candidates.sort(byWorth)
}

/** The best candidate that may be recommended, or null. */
export const recommend = (current: Release | null, ranked: readonly Candidate[]): Candidate | null =>
  ranked.find((candidate) => isRecommendable(current, candidate)) ?? null

/** There is evidence for it and nothing against it. */
export const isRecommendable = (current: Release | null, { release, good, evidenceAgainst }: Candidate): boolean =>
  good &&
  evidenceAgainst.length === 0 &&
  release.available.state !== 'no' &&
  (release.version !== current?.version || release.earlierConfiguration !== undefined) &&
  (!release.prerelease || current?.prerelease === true)

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

function weigh(release: Release, { periods, records }: KnownOf, { history, formerRollbacks }: Evidence): Candidate {
  const evidenceFor: string[] = []
  const evidenceAgainst: string[] = []
  const mine = records.filter(({ digest }) => sameDigest(digest, release))
  const served = periods.filter(({ digest }) => sameDigest(digest, release))
  const bad = lastBad(release, mine, formerRollbacks)

  const good: Span[] = []
  for (const period of served) {
    if (bad && !outweighs(period, bad)) continue
    good.push({ ...period, source: 'deploy.json', afterFailure: () => period.afterFailure })
    if (evidenceFor.length < mostEvidence) evidenceFor.push(evidenceOf(period))
  }
  if (release.served && servedSince(bad, release.served)) {
    const { from, until, forMs, source } = release.served
    good.push({
      from,
      until: until ?? from ?? release.createdAt ?? '',
      forMs,
      source,
      afterFailure: () => isAfterFailure(from, history)
    })
    const length = forMs === undefined ? '' : ` for ${duration(forMs)}`
    evidenceFor.push(`served${length}${until ? ` until ${until}` : ''} (${source})`)
  }
  if (bad && good.length === 0) evidenceAgainst.push(bad.text)
  evidenceAgainst.push(...(release.against ?? []))
  if (release.available.state === 'no') evidenceAgainst.push(release.available.reason ?? 'no longer available')

  const lastGoodAt = good.reduce((last, { until }) => (until > last ? until : last), '')
  const shortLived = good.length > 0 && good.every(isShortLived)
  if (shortLived && evidenceFor[0])
    evidenceFor[0] += '; less than an hour, right after a failure; longer-serving releases rank higher'
  return {
    release,
    good: good.length > 0,
    ...(lastGoodAt && { lastGoodAt }),
    // What was recorded comes before what a target infers.
    ...(good[0] && { served: servedIn(good[0]) }),
    shortLived,
    evidenceFor: evidenceFor.slice(0, mostEvidence),
    evidenceAgainst
  }
}

interface Span {
  from: string | undefined
  until: string
  forMs?: number | undefined
  source: string
  afterFailure(): boolean
}

function servedIn({ from, until, forMs, source }: Span): Candidate['served'] {
  const ms = forMs ?? (from && until ? Date.parse(until) - Date.parse(from) : 0)
  return { source, ...(ms >= 1000 && { forMs: ms }), ...(until && { until }) }
}

const hourMs = 3_600_000

/** False where the length of the span is unknown. */
const isShortLived = ({ from, until, afterFailure }: Span): boolean => {
  const forMs = from === undefined ? 0 : Date.parse(until) - Date.parse(from)
  return forMs > 0 && forMs < hourMs && afterFailure()
}

const isAfterFailure = (from: string | undefined, history: readonly DeploymentRecord[]): boolean =>
  from !== undefined && isFailure(history.find(({ at }) => at < from))

interface Bad {
  at: string
  text: string
}

const minuteMs = 60_000

/** A version that failed is not called good again for having lasted some seconds since. */
const outweighs = ({ from, until }: ServingPeriod, bad: Bad): boolean =>
  from > bad.at && Date.parse(until) - Date.parse(from) >= minuteMs

/** A serving period outweighs bad evidence only when it began later; its end says only when the next deployment came. */
const servedSince = (bad: Bad | null, { from }: Served): boolean => !bad || (from !== undefined && from > bad.at)

/** The last time that it failed, was rolled back from, or a rollback to it failed. */
function lastBad(
  release: Release,
  mine: readonly DeploymentRecord[],
  formerRollbacks: readonly FormerRollback[]
): Bad | null {
  const until = release.earlierConfiguration?.until
  const isOfIt = ({ at }: { at: string }): boolean => until === undefined || at < until
  const record = latest(mine.filter((one) => isOfIt(one) && (one.status === 'failed' || isLeft(one))))
  const former = latest(
    formerRollbacks.filter((one) => isOfIt(one) && (one.id === release.id || one.version === release.version))
  )
  const marks: Bad[] = []
  if (record) marks.push({ at: record.at, text: badRecord(record) })
  if (release.rolledBackAt && isOfIt({ at: release.rolledBackAt }))
    marks.push({ at: release.rolledBackAt, text: `rolled back from at ${release.rolledBackAt} (marked on the target)` })
  if (former) marks.push({ at: former.at, text: `${former.what} at ${former.at} (${former.rollbackId})` })
  return latest(marks)
}

/** Rolled back from; not where only its configuration went back. */
const isLeft = ({ status, digest, rollbackToDigest }: DeploymentRecord): boolean =>
  status === 'rolled_back' && (digest === undefined || digest !== rollbackToDigest)

const badRecord = ({ status, at, rollbackTo, error }: DeploymentRecord): string =>
  status === 'failed'
    ? `failed at ${at}${error ? `: ${quoted(error, 100)}` : ''}`
    : `rolled back from at ${at}${rollbackTo ? ` to ${rollbackTo}` : ''}`

/** Of several at the same time, the last one in the list. */
const latest = <Item extends { at: string }>(items: readonly Item[]): Item | null =>
  items.reduce<Item | null>((last, item) => (last && last.at > item.at ? last : item), null)

/** Instants in ISO 8601 order as text does; a locale's order would be slow. */
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Where nothing else tells them apart, the higher version first. */
const byVersionDown = (a: string, b: string): number => versionOrder.compare(b, a)

const versionOrder = new Intl.Collator('en', { numeric: true })

function byWorth(a: Candidate, b: Candidate): number {
  const worth = ({ release, good, evidenceAgainst, shortLived }: Candidate): number =>
    (release.available.state === 'no' ? 0 : 8) +
    (good ? 4 : 0) +
    (evidenceAgainst.length === 0 ? 2 : 0) +
    (shortLived ? 0 : 1)
  const time = ({ release, lastGoodAt }: Candidate): string => lastGoodAt ?? release.createdAt ?? ''
  return worth(b) - worth(a) || order(time(b), time(a)) || byVersionDown(a.release.version, b.release.version)
}
