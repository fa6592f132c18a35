import type { Health, HealthState } from '../model/survey.ts'

const rank: Record<Exclude<HealthState, 'unknown'>, number> = { healthy: 3, progressing: 2, degraded: 2, down: 1 }

/** Whether `a` was seen to serve better than `b`; nothing is known to be better than, or worse than, the unknown. */
export const servesBetter = (a: HealthState, b: HealthState): boolean =>
  a !== 'unknown' && b !== 'unknown' && rank[a] > rank[b]

type Counted = Pick<Health, 'state' | 'parts'>

/** How many more parts served in `a` than in `b`, of two states that are otherwise no better than each other; null where that is not known. */
export const moreServing = (a: Counted, b: Counted): number | null =>
  a.parts && b.parts && a.state !== 'unknown' && b.state !== 'unknown' && rank[a.state] === rank[b.state]
    ? a.parts.serving - b.parts.serving
    : null

export const hasFailed = (state: HealthState): boolean => state === 'down' || state === 'degraded'
