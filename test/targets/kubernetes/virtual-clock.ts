import { type Clock, systemClock } from '../../../src/support/clock.ts'

/** Time that passes only while a caller waits for it, and then at once. */
export interface VirtualClock extends Clock {
  /** Acts when this much time has passed. */
  at(ms: number, act: () => void): void
  /** Lets time pass while nothing runs, as when a machine sleeps. */
  jump(ms: number): void
}

export function virtualClock(): VirtualClock {
  const began = Date.parse('2026-01-01T00:00:00Z')
  let passed = 0
  const due: { ms: number; act: () => void }[] = []
  return {
    now: () => new Date(began + passed),
    async sleep(ms, signal) {
      await new Promise(setImmediate)
      signal?.throwIfAborted()
      passed += ms
      for (const one of due.filter((each) => each.ms <= passed)) {
        due.splice(due.indexOf(one), 1)
        one.act()
      }
    },
    limit: systemClock.limit,
    at: (ms, act) => void due.push({ ms, act }),
    jump(ms) {
      passed += ms
    }
  }
}
