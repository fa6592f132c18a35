import { utcInstant } from '../project/timestamp.ts'
import { duration } from '../support/text.ts'
import type { Incident } from './incident.ts'

export interface Outage {
  /** null when it is unknown. */
  ms: number | null
  from?: string
  until?: string
  /** What is known, and from what: one line for people. */
  says: string
}

interface Known {
  at: string
  because: string
  inferred: boolean
}

type Evidence = Pick<Incident, 'from' | 'to' | 'health' | 'history' | 'rollback'>

/** From the first sign that the failed release did not serve to the proof that another one did. Never guesses. */
export function outageOf(incident: Evidence): Outage {
  const start = startOf(incident)
  const end = endOf(incident)
  if (incident.health?.state === 'healthy') return unknown(unseen(incident, start, end))
  if (!start) return unknown('no source says when it began', { until: end?.at })
  if (!end) return unknown(`since ${start.at} (${start.because}), ${openEnd(incident)}`, { from: start.at })
  const ms = Date.parse(end.at) - Date.parse(start.at)
  if (ms < 0)
    return unknown(`${start.because} at ${start.at} is later than ${end.because} at ${end.at}; the clocks disagree`)
  const inferred = start.inferred || end.inferred ? ' (inferred)' : ''
  const says = `${duration(ms)}${inferred}, from ${start.at} (${start.because}) until ${end.at} (${end.because})`
  return { ms, from: start.at, until: end.at, says }
}

function startOf({ health, from, history, rollback }: Evidence): Known | null {
  const since = instant(health?.since)
  if (since && health?.state !== 'healthy')
    return { at: since, because: `health: ${health?.state} since then`, inferred: false }
  const begun = instant(rollback?.begunAt)
  const before = (at: string): boolean => !begun || at <= begun
  const deployed = history
    .filter((record) => record.version === from?.version && record.status !== 'rolled_back' && before(record.at))
    .sort((a, b) => (a.at < b.at ? 1 : -1))[0]
  if (deployed)
    return {
      at: deployed.at,
      because: `history: ${deployed.version} was deployed then, ${deployed.status}`,
      inferred: true
    }
  const served = instant(from?.served?.from)
  if (served && before(served))
    return { at: served, because: `${from?.served?.source}: ${from?.version} serves since then`, inferred: true }
  return null
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
