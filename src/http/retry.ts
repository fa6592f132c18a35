import type { Clock } from '../support/clock.ts'
import { headerOf, type Said } from './answer.ts'

/** How often something is tried that may fail for a moment. */
const usualAttempts = 4

/** The longest wait in all that the other side may ask for: a minute, and the pauses between. */
const longestWaitMs = 65_000

/** What is waited after a limit that does not say how long; GitHub asks for a minute at least. */
const unsaidMs = 60_000

export interface Attempt<Result> {
  result: Result
  /** How long to wait before another try may have another result; none when it would not. */
  again?: number | undefined
}

/** Tries until the result is final, the tries are used up, or the wait would be too long; gives the last result. */
export async function retrying<Result>(
  attempt: (count: number) => Promise<Attempt<Result>>,
  {
    clock,
    signal,
    waits,
    attempts = usualAttempts
  }: { clock: Clock; signal: AbortSignal; waits?(ms: number): void; attempts?: number }
): Promise<Result> {
  let waited = 0
  for (let count = 1; ; count++) {
    const { result, again } = await attempt(count)
    if (again === undefined || count === attempts || waited + again > longestWaitMs) return result
    waited += again
    waits?.(again)
    await clock.sleep(again, signal)
  }
}

/** 0.25, 0.5 and 1 s, each up to half longer, so that many clients do not come back at once. */
export const pause = (count: number): number => 250 * 2 ** (count - 1) * (1 + Math.random() / 2)

/**
 * How long the other side asks to wait before the next try, in milliseconds; null when it does not ask. Retry-After (RFC 9110, 10.2.3)
 * comes first, then the reset of a used-up limit, in seconds since 1970 as GitHub, Vercel and Netlify give it.
 */
export function waitAsked({ status, headers, text }: Said, now: Date): number | null {
  const limited = status === 429 || (status === 403 && isLimit(headers, text))
  if (!limited && status !== 503) return null
  const after = headerOf(headers, 'retry-after')
  if (after !== undefined) {
    const ms = /^\d+$/.test(after.trim()) ? Number(after) * 1000 : Date.parse(after) - now.getTime()
    if (Number.isFinite(ms)) return Math.max(ms, 50)
  }
  if (!limited) return null
  const reset = Number(headerOf(headers, 'x-ratelimit-reset'))
  if (usedUp(headers) && Number.isFinite(reset)) return Math.max(reset * 1000 - now.getTime(), 50)
  return unsaidMs
}

const usedUp = (headers: Said['headers']): boolean => headerOf(headers, 'x-ratelimit-remaining') === '0'

/** A 403 that is about limits, not about rights: GitHub's primary and secondary limits. */
const isLimit = (headers: Said['headers'], text: string): boolean =>
  headerOf(headers, 'retry-after') !== undefined ||
  usedUp(headers) ||
  /secondary rate limit|rate limit exceeded/i.test(text)
