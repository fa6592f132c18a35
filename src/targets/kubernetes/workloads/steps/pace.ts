import type { Clock } from '../../../../support/clock.ts'
import type { Rollout } from '../../objects/workload.ts'

/** How long a rollout has made no progress. Time in which it could not be observed does not count. */
export interface Pace {
  /** Takes its numbers; only a new best is progress, so a pod that comes and goes is none. */
  update(rollout: Rollout): void
  /** Whether it can be observed now. */
  setVisible(is: boolean): void
  /** Time in which this process did not run, because the machine slept for example. */
  skip(ms: number): void
  stalledMs(): number
  /** How long it has not been observed; 0 while it is. */
  unseenMs(): number
}

export function paceOf(clock: Clock): Pace {
  const now = (): number => clock.now().getTime()
  let advancedAt = now()
  let unseenSince: number | null = null
  let best: Pick<Rollout, 'updated' | 'available' | 'old'> = { updated: 0, available: 0, old: Number.POSITIVE_INFINITY }
  return {
    update({ updated, available, old }) {
      if (updated > best.updated || available > best.available || old < best.old) advancedAt = now()
      best = {
        updated: Math.max(best.updated, updated),
        available: Math.max(best.available, available),
        old: Math.min(best.old, old)
      }
    },
    setVisible(is) {
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
