import type { Clock } from './clock.ts'

const tries = 4
const betweenMs = 500

/** Asks until one answer is good enough, a few times at most: a service may need a moment more than its container, and one bad answer is no outage. */
export async function untilGood<T>(
  clock: Clock,
  signal: AbortSignal,
  ask: () => Promise<T>,
  isGood: (answer: T) => boolean
): Promise<T> {
  let answer = await ask()
  for (let count = 1; !isGood(answer) && count < tries; count++) {
    await clock.sleep(betweenMs, signal)
    answer = await ask()
  }
  return answer
}
