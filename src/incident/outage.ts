import { utcInstant } from '../project/timestamp.ts'
import { duration } from '../support/text.ts'
import { combinedOutage } from './combined-outage.ts'
import type { Incident, IncidentRollback, Outage } from './incident.ts'

/** When something began or ended, and which source says so. */
export interface Known {
  /** ISO 8601 UTC. */
  at: string
  because: string
  /** No source has a sign of failure of that time. */
  inferred: boolean
}

type Evidence = Pick<Incident, 'from' | 'to' | 'health' | 'history' | 'parts'> & {
  rollback: Pick<IncidentRollback, 'id' | 'outcome' | 'begunAt' | 'endedAt' | 'recoveredAt'> | null
}

/** From the first sign that the failed release did not serve to the proof that another one did. Never guesses. */
export function outageOf(incident: Evidence): Outage {
  if (incident.parts)
    return combinedOutage(incident.parts.map((part) => ({ target: part.target, outage: outageOf(part) })))
  const end = endOf(incident)
  if (incident.health?.state === 'healthy') return unknown(unseen(incident, deployment(incident), end))
  const start = startOf(incident)
  if (!start) return unknown('no source says when it began', { until: end?.at })
  if (!end) return unknown(`since ${start.at} (${start.because}), ${openEnd(incident)}`, { from: start.at })
  const ms = Date.parse(end.at) - Date.parse(start.at)
  if (ms < 0)
    return unknown(`${start.because} at ${start.at} is later than ${end.because} at ${end.at}; the clocks disagree`)
  const inferred = start.inferred || end.inferred ? ' (inferred)' : ''
  const says = `${start.inferred ? '' : 'at least '}${duration(ms)}${inferred}, from ${start.at} (${start.because}) until ${end.at} (${end.because})`
  return { ms, inferred: start.inferred || end.inferred, from: start.at, until: end.at, says }
}

/** The earliest sign of failure that any source has; without any, when the failed release was deployed. */
export function startOf(evidence: Evidence): Known | null {
  const [first] = [recordedFailure(evidence), shownFailure(evidence)]
    .flatMap((known) => known ?? [])
    .sort((a, b) => (a.at < b.at ? -1 : 1))
  return first ?? deployment(evidence)
}

function shownFailure({ health }: Evidence): Known | null {
  const since = instant(health?.since)
  if (!since || health?.state === 'healthy') return null
  const signal = health?.signals?.find((one) => one.state === 'bad' && instant(one.since) === since)
  const because = signal ? `signal "${signal.name}": bad since then` : `health: ${health?.state} since then`
  return { at: since, because, inferred: false }
}

/** The first of the failed deployments of the release that nothing else came after. */
function recordedFailure({ from, history, rollback }: Evidence): Known | null {
  const newestFirst = before(rollback, history).sort((a, b) => (a.at < b.at ? 1 : -1))
  const other = newestFirst.findIndex(({ version, status }) => version !== from?.version || status !== 'failed')
  const first = newestFirst.slice(0, other < 0 ? undefined : other).at(-1)
  return first
    ? { at: first.at, because: `history: the deployment of ${first.version} failed then`, inferred: false }
    : null
}

function deployment({ from, history, rollback }: Evidence): Known | null {
  const deployed = before(rollback, history)
    .filter(({ version, status }) => version === from?.version && status !== 'rolled_back')
    .sort((a, b) => (a.at < b.at ? 1 : -1))[0]
  if (deployed)
    return {
      at: deployed.at,
      because: `history: ${deployed.version} was deployed then, ${deployed.status}`,
      inferred: true
    }
  const served = instant(from?.served?.from)
  if (served && before(rollback, [{ at: served }])[0])
    return { at: served, because: `${from?.served?.source}: ${from?.version} serves since then`, inferred: true }
  return null
}

/** What was before the rollback began. */
function before<Dated extends { at: string }>(rollback: Evidence['rollback'], all: readonly Dated[]): Dated[] {
  const begun = instant(rollback?.begunAt)
  return all.filter(({ at }) => !begun || at <= begun)
}

function endOf({ rollback, to, history }: Evidence): Known | null {
  const recovered = instant(rollback?.recoveredAt)
  if (recovered)
    return {
      at: recovered,
      because: `journal: the checks of ${to?.version ?? 'the earlier release'} passed`,
      inferred: false
    }
  const ended = instant(rollback?.endedAt)
  if (ended && rollback?.outcome === 'succeeded')
    return { at: ended, because: 'journal: the rollback succeeded', inferred: true }
  const recorded = history.find((record) => rollback?.outcome === 'manual' && record.rollbackId === rollback.id)
  if (recorded?.status === 'rolled_back')
    return { at: recorded.at, because: 'history: rolled back manually, and verified then', inferred: true }
  return null
}

/** Where the target shows nothing wrong (a registry, for example), only the bad release's time in service is known. */
function unseen({ from }: Evidence, start: Known | null, end: Known | null): string {
  const saw = 'the target itself shows no failure'
  const ms = start && end ? Date.parse(end.at) - Date.parse(start.at) : -1
  if (!start || !end || ms < 0) return saw
  return `${saw}; ${from?.version} was in service for ${duration(ms)}, from ${start.at} (${start.because}) until ${end.at} (${end.because})`
}

const openEnd = ({ rollback }: Evidence): string =>
  rollback ? `and no source shows its end (rollback: ${rollback.outcome})` : 'and no rollback ended it'

const instant = (at: string | undefined): string | null => (at === undefined ? null : utcInstant(at))

const unknown = (why: string, known: { from?: string; until?: string } = {}): Outage => ({
  ms: null,
  says: `unknown (${why})`,
  ...known
})
