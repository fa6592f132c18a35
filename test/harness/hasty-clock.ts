import { setTimeout as wait } from 'node:timers/promises'
import { type Clock, systemClock } from '../../src/support/clock.ts'

const times = 10

/** The system's clock, but a wait takes a tenth of its time; afterwards all of it has passed. */
export function hastyClock(): Clock {
  let skippedMs = 0
  return {
    ...systemClock,
    now: () => new Date(Date.now() + skippedMs),
    async sleep(ms, signal) {
      await wait(ms / times, undefined, { signal })
      skippedMs += ms - ms / times
    }
  }
}
