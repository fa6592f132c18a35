import type { Clock } from './clock.ts'

/** Short at first: most services need only a moment more than what runs them. */
const pausesMs = [100, 200, 400, 800]

/** Asks until one answer is good enough, a few times at most: one bad answer is no outage. */
export async function untilGood<T>(
  clock: Clock,
  signal: AbortSignal,
  ask: () => Promise<T>,
  isGood: (answer: T) => boolean
): Promise<T> {
  let answer = await ask()
  for (const pause of pausesMs) {
    if (isGood(answer)) break
    await clock.sleep(pause, signal)
    answer = await ask()
  }
  return answer
}
