import type { HealthState } from '../model/survey.ts'

const rank: Record<Exclude<HealthState, 'unknown'>, number> = { healthy: 3, progressing: 2, degraded: 2, down: 1 }

/** Whether `a` was seen to serve better than `b`; nothing is known to be better than, or worse than, the unknown. */
export const servesBetter = (a: HealthState, b: HealthState): boolean =>
  a !== 'unknown' && b !== 'unknown' && rank[a] > rank[b]

export const hasFailed = (state: HealthState): boolean => state === 'down' || state === 'degraded'
