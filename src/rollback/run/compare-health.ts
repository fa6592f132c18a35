import type { Health, HealthState } from '../../model/observation.ts'

const rank: Record<Exclude<HealthState, 'unknown'>, number> = { healthy: 3, progressing: 2, degraded: 2, down: 1 }

/**
 * Whether `a` was seen to serve better than `b`; nothing is better or worse than an unknown state. At equal health the parts decide: at
 * least one serves better, and none serves worse.
 */
export function servesBetter(a: HealthState | Health, b: HealthState | Health): boolean {
  const [one, other] = [stateOf(a), stateOf(b)]
  if (one === 'unknown' || other === 'unknown') return false
  return rank[one] === rank[other] ? areBetter(partsOf(a), partsOf(b)) : rank[one] > rank[other]
}

function areBetter(a: Record<string, HealthState>, b: Record<string, HealthState>): boolean {
  const pairs = Object.entries(a).flatMap(([name, state]): [HealthState, HealthState][] => {
    const other = b[name]
    return other ? [[state, other]] : []
  })
  return pairs.some(([one, other]) => isBetter(one, other)) && !pairs.some(([one, other]) => isBetter(other, one))
}

const isBetter = (a: HealthState, b: HealthState): boolean => a !== 'unknown' && b !== 'unknown' && rank[a] > rank[b]

const stateOf = (health: HealthState | Health): HealthState => (typeof health === 'string' ? health : health.state)

const partsOf = (health: HealthState | Health): Record<string, HealthState> =>
  (typeof health === 'string' ? undefined : health.parts) ?? {}

type Counted = Pick<Health, 'state' | 'instances'>

/** How many more instances serve in `a` than in `b`, at equal health; null where that is unknown. */
export const moreServing = (a: Counted, b: Counted): number | null =>
  a.instances && b.instances && a.state !== 'unknown' && b.state !== 'unknown' && rank[a.state] === rank[b.state]
    ? a.instances.serving - b.instances.serving
    : null

export const hasFailed = (state: HealthState): boolean => state === 'down' || state === 'degraded'
