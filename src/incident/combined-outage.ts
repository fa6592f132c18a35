import { duration } from '../support/text.ts'
import type { Outage } from './incident.ts'

/** One outage of several targets: from the first sign of failure of any of them until the last one of those was back. */
export function combinedOutage(outages: readonly { target: string; outage: Outage }[]): Outage {
  const seen = outages.flatMap(({ target, outage: { from, until } }) => (from ? [{ target, from, until }] : []))
  const [first] = [...seen].sort((a, b) => (a.from < b.from ? -1 : 1))
  if (!first) return { ms: null, says: 'unknown (no target shows when it began; see each target below)' }
  const open = seen.find(({ until }) => until === undefined)
  if (open)
    return {
      ms: null,
      from: first.from,
      says: `unknown (since ${first.from}, ${first.target}; no source shows the end at ${open.target})`
    }
  const last = seen.reduce((latest, one) => ((one.until ?? '') > (latest.until ?? '') ? one : latest), first)
  const ms = Date.parse(last.until ?? '') - Date.parse(first.from)
  if (ms < 0) return { ms: null, says: 'unknown (the clocks of the targets disagree)' }
  return {
    ms,
    from: first.from,
    ...(last.until && { until: last.until }),
    says: `${duration(ms)}, from ${first.from} (${first.target}) until ${last.until} (${last.target})`
  }
}
