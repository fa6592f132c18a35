import type { Said } from './failure.ts'
import { headerOf } from './headers.ts'

/** What is waited after a limit that does not say how long; GitHub asks for a minute at least. */
const unsaidMs = 60_000

/**
 * How long the other side asks to wait before the next try, in milliseconds; null when it does not ask. Retry-After (RFC 9110, 10.2.3)
 * counts most, then the reset of a used-up limit, in seconds since 1970 as GitHub, Vercel and Netlify give it.
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
