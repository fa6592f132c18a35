import type { Clock } from '../../../../support/clock.ts'
import type { Rollout } from '../health.ts'

/** How long a rollout has not got on. Time in which nothing could be seen of it does not count. */
export interface Pace {
  /** Looks at its numbers; only a new best is an advance, so that a pod that comes and goes is none. */
  heed(rollout: Rollout): void
  /** Whether it can be seen now. */
  see(is: boolean): void
  /** Time that passed without this process, as when the machine slept. */
  skip(ms: number): void
  stalledMs(): number
  /** How long it has not been seen; 0 while it is. */
  unseenMs(): number
}

export function paceOf(clock: Clock): Pace {
  const now = (): number => clock.now().getTime()
  let advancedAt = now()
  let unseenSince: number | null = null
  let best: Pick<Rollout, 'updated' | 'available' | 'old'> = { updated: 0, available: 0, old: Number.POSITIVE_INFINITY }
  return {
    heed({ updated, available, old }) {
      if (updated > best.updated || available > best.available || old < best.old) advancedAt = now()
      best = {
        updated: Math.max(best.updated, updated),
        available: Math.max(best.available, available),
        old: Math.min(best.old, old)
      }
    },
    see(is) {
      if (!is) unseenSince ??= now()
      else if (unseenSince !== null) {
        advancedAt += now() - Math.max(unseenSince, advancedAt)
        unseenSince = null
      }
    },
    skip(ms) {
      advancedAt += ms
      if (unseenSince !== null) unseenSince += ms
    },
    stalledMs: () => (unseenSince ?? now()) - advancedAt,
    unseenMs: () => (unseenSince === null ? 0 : now() - unseenSince)
  }
}
