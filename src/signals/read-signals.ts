import { probe } from '../http/probe.ts'
import type { SignalReading } from '../model/signal.ts'
import type { Clock } from '../support/clock.ts'
import { parseDuration } from '../support/parse-duration.ts'
import { duration } from '../support/text.ts'
import { untilGood } from '../support/until-good.ts'
import { judge, type Limits, limitsOf, median, streakStart } from './judge.ts'
import { queryRange, type Range, type SignalContext } from './prometheus.ts'
import { queryRangeOf } from './query-range-of.ts'
import { type HttpSignal, isHttp, type PrometheusSignal, type Signal } from './signal-schema.ts'
import { shownValue } from './value.ts'

export interface ReadContext extends SignalContext {
  clock: Clock
  /** What a signal was while an earlier version served, which does not change any more. */
  known: Map<string, { value: number }>
  /** The newest answer for each signal. */
  newest: Map<string, Answered>
}

/** An answer of a store, and until when it is as good as a new one, in milliseconds since 1970. */
interface Answered {
  range: Range
  until: number
  goodUntil: number
}

/** A time during which an earlier version served, in milliseconds since 1970. */
export interface ServedBefore {
  version: string
  from: number
  until: number
}

/** What the readings are compared with. */
export interface Compared {
  /** When the version that serves was deployed; null where no source says so. */
  deployedAt: number | null
  before: ServedBefore | null
}

/** What was asked of a signal, before it is known which version serves. */
export type Asked = (compared: Compared, signal: AbortSignal) => Promise<SignalReading>

const hourMs = 3_600_000
const usualForMs = 60_000
const mostBaselineSamples = 60
const mostStreakSamples = 500
const longestStreakMs = 24 * hourMs
/** An earlier version that is being stopped makes errors of its own. */
const slackMs = 30_000
const slowMs = 2000
const leftAloneMs = 10_000

export const forMs = ({ for: written }: PrometheusSignal): number =>
  (written == null ? null : parseDuration(written)) ?? usualForMs

/** Ten samples in the time for which a signal must be bad, a second to half a minute apart. */
export const stepOf = (signal: PrometheusSignal): number =>
  Math.min(30_000, Math.max(1000, Math.round(forMs(signal) / 10)))

/**
 * How long it may take after a rollback until a signal shows what serves now: its query looks back, and the samples come one by one. Ten
 * minutes at most.
 */
export const patienceOf = (signals: readonly Signal[]): number =>
  Math.min(
    600_000,
    Math.max(
      0,
      ...signals
        .filter((signal) => signal.proof !== 'ignore')
        .map((signal) => (isHttp(signal) ? 0 : queryRangeOf(signal.prometheus.query) + forMs(signal) + 15_000))
    )
  )

/** Asks for what a signal says now. The question is on its way when this returns; the answer is judged once the version is known. */
export function askSignal(signal: Signal, context: ReadContext, abort: AbortSignal): Asked {
  const asked = isHttp(signal) ? askAddress(signal, context, abort) : askStore(signal, context, abort)
  // Not every answer is waited for: the target may not answer itself.
  asked.catch(() => undefined)
  return async (compared, nowAbort) => ({
    ...(await (
      await asked
    )(compared, nowAbort)),
    name: signal.name,
    proof: signal.proof ?? 'unverified'
  })
}

type Judged = Omit<SignalReading, 'name' | 'proof'>
type Judge = (compared: Compared, abort: AbortSignal) => Promise<Judged>

/** An answer with another status is bad when it is given every time; no answer is unknown. */
async function askAddress({ http }: HttpSignal, { env, clock }: ReadContext, signal: AbortSignal): Promise<Judge> {
  const expectStatus = http.expect_status ?? undefined
  const { ok, status, detail } = await untilGood(
    clock,
    signal,
    () => probe(http.url, { env, signal, expectStatus }),
    (answer) => answer.ok || answer.status === undefined
  )
  const state = ok ? 'good' : status === undefined ? 'unknown' : 'bad'
  return async () => ({ state, message: detail, ...(status !== undefined && { shown: String(status) }) })
}

async function askStore(signal: PrometheusSignal, context: ReadContext, abort: AbortSignal): Promise<Judge> {
  const stepMs = stepOf(signal)
  const steps = Math.ceil(forMs(signal) / stepMs)
  const { range, until } = await newestOf(signal, steps * stepMs, context, abort)
  return (compared, nowAbort) =>
    judged(signal, range, { until, stepMs, expected: steps + 1 }, compared, context, nowAbort)
}

/** Asks no more often than samples are judged; a store that lets a rollback wait is left alone for a while. */
async function newestOf(
  signal: PrometheusSignal,
  backMs: number,
  context: ReadContext,
  abort: AbortSignal
): Promise<Answered> {
  const { clock, newest } = context
  const until = clock.now().getTime()
  const before = newest.get(signal.name)
  if (before && until < before.goodUntil) return before
  const stepMs = stepOf(signal)
  const range = await queryRange(signal.prometheus, { from: until - backMs, until, stepMs }, context, abort)
  const now = clock.now().getTime()
  const tooSlow = 'unknown' in range && now - until > slowMs
  const answered = {
    range,
    until,
    goodUntil: tooSlow ? now + leftAloneMs : until + ('unknown' in range ? 0 : stepMs / 2)
  }
  newest.set(signal.name, answered)
  return answered
}

async function judged(
  signal: PrometheusSignal,
  range: Range,
  window: Parameters<typeof judge>[2],
  compared: Compared,
  context: ReadContext,
  abort: AbortSignal
): Promise<Judged> {
  const { unit } = signal
  if ('unknown' in range) return { state: 'unknown', message: range.unknown, ...(range.empty && { lagging: true }) }
  const limits = await limitsBefore(signal, compared.before, context, abort)
  if ('unknown' in limits) return { state: 'unknown', message: limits.unknown }
  const judgement = judge(range, limits, window)
  if (judgement.state === 'unknown') return { state: 'unknown', message: judgement.why, lagging: true }
  const shown = shownValue(judgement.newest.value, unit)
  const limit = `limit ${shownValue(limits.above ?? limits.below ?? 0, unit)}`
  const { state } = judgement
  if (state === 'good') return { state, shown, message: `${shown} (${limit})` }
  const since = await beginning(signal, limits, window.until, compared, context, abort)
  const beganAt = since?.at ?? streakStart(range.samples, limits)?.at
  const then = beganAt ? ` since ${timeOfDay(beganAt, window.until)}` : ''
  const less = state === 'pending' ? `, less than ${duration(forMs(signal))}` : ''
  const under = await underBefore(signal, compared.before, context, abort)
  return {
    state,
    shown,
    lagging: true,
    message: `${shown}${then} (${limit}${less})${under}${since?.older ? `, already before this version was deployed` : ''}`,
    ...(beganAt && { since: beganAt }),
    ...(since?.older && { older: true })
  }
}

/** The values that count as bad, or why none can be named; `before` is when the earlier version served. */
export const limitsBefore = async (
  signal: PrometheusSignal,
  before: ServedBefore | null,
  context: ReadContext,
  abort: AbortSignal
): Promise<Limits | { unknown: string }> =>
  limitsOf(
    signal,
    signal.worse_than_before == null ? { unknown: 'not asked' } : await baseline(signal, before, context, abort)
  )

/** "14:02 UTC", with its day where that is another one. */
const timeOfDay = (at: string, now: number): string =>
  at.slice(0, 10) === new Date(now).toISOString().slice(0, 10)
    ? `${at.slice(11, 16)} UTC`
    : `${at.slice(0, 16).replace('T', ' ')} UTC`

/** When the value went over its limit for good; further back than the time for which it must be bad. */
async function beginning(
  signal: PrometheusSignal,
  limits: Limits,
  until: number,
  { deployedAt }: Compared,
  context: ReadContext,
  abort: AbortSignal
): Promise<{ at: string; older: boolean } | null> {
  const earliest = (deployedAt ?? until - hourMs) - 2 * slackMs - forMs(signal)
  const from = Math.max(Math.min(earliest, until - 2 * forMs(signal)), until - longestStreakMs)
  const stepMs = Math.max(1000, Math.ceil((until - from) / mostStreakSamples / 1000) * 1000)
  const range = await queryRange(signal.prometheus, { from, until, stepMs }, context, abort)
  const first = 'unknown' in range ? undefined : streakStart(range.samples, limits)
  if (!first) return null
  return { at: first.at, older: deployedAt !== null && Date.parse(first.at) < deployedAt - slackMs - stepMs }
}

const underBefore = async (
  signal: PrometheusSignal,
  served: ServedBefore | null,
  context: ReadContext,
  abort: AbortSignal
): Promise<string> => {
  const before = served ? await baseline(signal, served, context, abort) : null
  return served && before && 'value' in before
    ? `, ${shownValue(before.value, signal.unit)} under ${served.version}`
    : ''
}

/** What the signal was in the last hour of an earlier version: the middle of its values there. */
async function baseline(
  signal: PrometheusSignal,
  served: ServedBefore | null,
  context: ReadContext,
  abort: AbortSignal
): Promise<{ value: number } | { unknown: string }> {
  if (!served)
    return { unknown: 'no source says when an earlier version served, so there is nothing to compare it with' }
  const key = JSON.stringify([signal.name, served])
  const known = context.known.get(key)
  if (known) return known
  const settled = served.from + queryRangeOf(signal.prometheus.query)
  const from = Math.max(settled < served.until ? settled : served.from, served.until - hourMs)
  const stepMs = Math.max(1000, Math.ceil((served.until - from) / mostBaselineSamples / 1000) * 1000)
  const range = await queryRange(signal.prometheus, { from, until: served.until, stepMs }, context, abort)
  if ('unknown' in range) return { unknown: `what it was under ${served.version} is unknown: ${range.unknown}` }
  const value = median(range.samples.map((sample) => sample.value))
  if (value === undefined) return { unknown: `it has no value from the time when ${served.version} served` }
  context.known.set(key, { value })
  return { value }
}
