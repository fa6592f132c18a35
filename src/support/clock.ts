import { setTimeout as wait } from 'node:timers/promises'

export interface Clock {
  now(): Date
  /** Waits, at least 50 ms unless 0. @throws the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Aborted with a TimeoutError once so long has passed. */
  limit(ms: number): AbortSignal
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: async (ms, signal) => {
    await wait(ms === 0 ? 0 : Math.max(50, ms), undefined, { signal })
  },
  limit: (ms) => AbortSignal.timeout(ms)
}

/** UTC, ISO 8601 with milliseconds. */
export const isoNow = (clock: Clock): string => clock.now().toISOString()
