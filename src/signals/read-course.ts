import type { SignalCourse } from '../model/signal.ts'
import { isOver, type Limits } from './judge.ts'
import { queryRange } from './prometheus.ts'
import { forMs, limitsBefore, type ReadContext, type ServedBefore } from './read-signals.ts'
import { isHttp, type PrometheusSignal, type Signal } from './signal-schema.ts'
import { onAxis, shownValue, unitWord } from './value.ts'

const mostSamples = 60

/**
 * How each signal of a store went between two times (milliseconds since 1970), for a report; what cannot be read is left out. An address
 * that answers has no past to ask for.
 */
export async function readCourses(
  signals: readonly Signal[],
  { from, until, before }: { from: number; until: number; before: ServedBefore | null },
  context: ReadContext,
  abort: AbortSignal
): Promise<SignalCourse[]> {
  const courses = signals.flatMap((signal) =>
    isHttp(signal) ? [] : [courseOf(signal, { from: from - forMs(signal), until, before }, context, abort)]
  )
  return (await Promise.all(courses)).filter((course) => course !== null)
}

async function courseOf(
  signal: PrometheusSignal,
  { from, until, before }: { from: number; until: number; before: ServedBefore | null },
  context: ReadContext,
  abort: AbortSignal
): Promise<SignalCourse | null> {
  const stepMs = Math.max(1000, Math.ceil((until - from) / mostSamples / 1000) * 1000)
  const [range, limits] = await Promise.all([
    queryRange(signal.prometheus, { from, until, stepMs }, context, abort),
    limitsBefore(signal, before, context, abort)
  ])
  if ('unknown' in range || range.samples.length === 0) return null
  const { name, unit } = signal
  const limit = 'unknown' in limits ? undefined : (limits.above ?? limits.below)
  return {
    name,
    unit: unitWord(unit),
    ...(limit !== undefined && { limit: onAxis(limit, unit) }),
    samples: range.samples.map(({ at, value }) => ({ at, value: onAxis(value, unit) })),
    ...('unknown' in limits ? {} : badTimes(range.samples, limits, unit))
  }
}

/** When it was over its limit, and how far at worst. */
function badTimes(
  samples: SignalCourse['samples'],
  limits: Limits,
  unit: PrometheusSignal['unit']
): Pick<SignalCourse, 'badFrom' | 'badUntil' | 'goodAgain' | 'worst'> {
  const bad = samples.filter(({ value }) => isOver(limits, value))
  const [first, last] = [bad[0], bad.at(-1)]
  if (!first || !last) return {}
  const values = bad.map(({ value }) => value)
  const worst = limits.below === undefined ? Math.max(...values) : Math.min(...values)
  const again = samples[samples.indexOf(last) + 1]
  return {
    badFrom: first.at,
    badUntil: last.at,
    ...(again && { goodAgain: again.at }),
    worst: shownValue(worst, unit)
  }
}
