import type { Health, HealthState } from '../model/survey.ts'

const rank: Record<Exclude<HealthState, 'unknown'>, number> = { healthy: 3, progressing: 2, degraded: 2, down: 1 }

/** Whether `a` was seen to serve better than `b`; nothing is known to be better than, or worse than, the unknown. */
export const servesBetter = (a: HealthState, b: HealthState): boolean =>
  a !== 'unknown' && b !== 'unknown' && rank[a] > rank[b]

type Counted = Pick<Health, 'state' | 'instances'>

/** How many more instances served in `a` than in `b`, of two states that are otherwise no better than each other; null where that is not known. */
export const moreServing = (a: Counted, b: Counted): number | null =>
  a.instances && b.instances && a.state !== 'unknown' && b.state !== 'unknown' && rank[a.state] === rank[b.state]
    ? a.instances.serving - b.instances.serving
    : null

export const hasFailed = (state: HealthState): boolean => state === 'down' || state === 'degraded'
