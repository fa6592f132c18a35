import { oneLine } from '../../support/text.ts'
import type { Begun, JournalEvent } from './journal-events.ts'

/** The clocks of two machines may differ by so much. */
const skewMs = 5 * 60_000

/** Why a time is none, or lies in the future; null when it is neither. */
export function whyTooLate(at: unknown, now: Date): string | null {
  if (!isInstant(at)) return `it holds ${oneLine(JSON.stringify(at ?? null), 40)} where a time should be`
  return Date.parse(at) > now.getTime() + skewMs ? `it holds ${at}, a time in the future` : null
}

const isInstant = (at: unknown): at is string =>
  typeof at === 'string' && !Number.isNaN(Date.parse(at)) && new Date(at).toISOString() === at

/** Why no rollback can have written this, so that it is no evidence of anything; null when one can have. */
export function whyImpossible(begun: Begun, events: readonly JournalEvent[], now: Date): string | null {
  for (const at of events.flatMap(timesOf)) {
    const why = whyTooLate(at, now)
    if (why) return why
  }
  const steps = new Set(begun.steps.map(({ id }) => id))
  const began = Date.parse(begun.at)
  // Another machine that resumed it has another clock.
  const endsFrom = began - (events.some(({ event }) => event === 'resumed') ? skewMs : 0)
  if (events[0] !== begun || events.filter(({ event }) => event === 'begun').length > 1)
    return 'it does not begin with its only beginning'
  if (events.some(({ at }) => Date.parse(at) < began - skewMs)) return 'an event in it is older than its beginning'
  if (events.some(({ event, at }) => event === 'ended' && Date.parse(at) < endsFrom)) return 'it ends before it begins'
  if (begun.soakMs < 0 || events.some((event) => 'durationMs' in event && (event.durationMs ?? 0) < 0))
    return 'a duration in it is negative'
  if (steps.size < begun.steps.length) return 'two of its steps have the same id'
  if (events.some((event) => 'stepId' in event && !steps.has(event.stepId)))
    return 'it tells of a step that is not its own'
  return null
}

const timesOf = (event: JournalEvent): string[] =>
  event.event === 'checks' && event.healthySince !== undefined ? [event.at, event.healthySince] : [event.at]
