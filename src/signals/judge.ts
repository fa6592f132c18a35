import type { SignalSample } from '../model/signal.ts'
import type { Measured } from './prometheus.ts'
import type { PrometheusSignal } from './signal-schema.ts'

/** What a value is held against. */
export interface Limits {
  above?: number
  below?: number
}

export type Judgement = { state: 'good' | 'pending' | 'bad'; newest: SignalSample } | { state: 'unknown'; why: string }

/**
 * The values that count as bad, or why none can be named.
 * @param before what the signal was while the earlier version served, or why that is unknown; asked only for `worse_than_before`.
 */
export function limitsOf(
  { above, below, worse_than_before: factor }: PrometheusSignal,
  before: { value: number } | { unknown: string }
): Limits | { unknown: string } {
  const fixed: Limits = { ...(above != null && { above }), ...(below != null && { below }) }
  if (factor == null) return fixed
  if ('unknown' in before) return before
  if (before.value <= 0)
    return {
      unknown: `it was ${before.value} before, and no factor makes that worse; set above, too, without worse_than_before`
    }
  // Both must hold: a factor alone would make much of a small number.
  return fixed.below === undefined
    ? { above: Math.max(before.value * factor, fixed.above ?? 0) }
    : { below: Math.min(before.value / factor, fixed.below) }
}

export const isOver = ({ above, below }: Limits, value: number): boolean =>
  (above !== undefined && value > above) || (below !== undefined && value < below)

/** Judges the samples of the time for which a signal must be bad, `expected` of them when none is missing. */
export function judge(
  range: Measured,
  limits: Limits,
  window: { until: number; stepMs: number; expected: number }
): Judgement {
  const newest = range.samples.at(-1)
  if (range.newest !== undefined) return { state: 'unknown', why: `it is ${range.newest} now: nothing was measured` }
  if (!newest) return { state: 'unknown', why: 'the query gives no value' }
  if (Date.parse(newest.at) < window.until - 1.5 * window.stepMs)
    return { state: 'unknown', why: `it has no value now; the last one is of ${newest.at.slice(11, 19)} UTC` }
  if (!isOver(limits, newest.value)) return { state: 'good', newest }
  const all = range.samples.every(({ value }) => isOver(limits, value))
  return { state: all && range.samples.length >= window.expected ? 'bad' : 'pending', newest }
}

/** The first of the samples that are over the limit up to the newest one without a break. */
export function streakStart(samples: readonly SignalSample[], limits: Limits): SignalSample | undefined {
  const good = samples.findLastIndex(({ value }) => !isOver(limits, value))
  return samples[good + 1]
}

/** The middle one of some values: one outlier says nothing of the time. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)]
}
