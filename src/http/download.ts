import { createHash } from 'node:crypto'
import { duration, oneLine } from '../support/text.ts'
import { type Answer, type Headers, headerOf } from './answer.ts'
import type { HttpContext } from './client.ts'
import { isTransient, networkReason } from './failure.ts'
import { requestAlong } from './request.ts'
import { type Attempt, pause, retrying, waitAsked } from './retry.ts'

export interface Download extends Omit<HttpContext, 'log'> {
  url: string
  /** Sent to the origin of `url` alone, never on to where it redirects. */
  authorization?: string
  accept?: string
  /** Reads the whole and hashes it, when it is no longer than this; else only its first byte is asked for. */
  hashUpTo?: number
  /** Does not follow a redirect, but tells where it leads. */
  onlyFirst?: boolean
  signal: AbortSignal
}

export type Downloaded =
  | { state: 'there'; size?: number; sha256?: string }
  | { state: 'moved'; to: string }
  /** The other side says that it is not there. */
  | { state: 'gone'; detail: string }
  /** It could not be told; `limited` when the other side wants no more requests for a while. */
  | { state: 'unknown'; detail: string; limited?: boolean }

const limitMs = 30_000
const maxRefusal = 65_536

/**
 * Whether something can really be downloaded: asks for its first byte and follows redirects, because signed addresses of object stores
 * refuse HEAD. A redirect from https to plain http is not followed. What may be over in a moment is tried again, and a limit is waited
 * for.
 */
export async function tryDownload(download: Download): Promise<Downloaded> {
  const { mask, signal } = download
  return retrying<Downloaded>(async (count) => {
    try {
      return await once(download, count)
    } catch (error) {
      signal.throwIfAborted()
      // What used up its whole time once is not given as much again.
      const again = isTransient(error) && (error as Error).name !== 'TimeoutError' ? pause(count) : undefined
      return { result: { state: 'unknown', detail: oneLine(mask.text(networkReason(error)), 160) }, again }
    }
  }, download)
}

async function once(download: Download, count: number): Promise<Attempt<Downloaded>> {
  const { authorization, accept = '*/*', clock, env, hashUpTo = 0, signal } = download
  const start = new URL(download.url)
  const isSafe = (to: URL): boolean => start.protocol === 'http:' || to.protocol === 'https:'
  const { answer, url, next } = await requestAlong(
    start,
    { signal, limitMs },
    ({ origin }) => ({
      env,
      maxBytes: Math.max(hashUpTo, maxRefusal),
      cut: true,
      headers: {
        accept,
        ...(hashUpTo === 0 && { range: 'bytes=0-0' }),
        ...(authorization && origin === start.origin && { authorization })
      }
    }),
    (to) => isSafe(to) && !download.onlyFirst
  )
  const { status, headers, body } = answer
  const { host } = url
  const unknown = (detail: string): Downloaded => ({ state: 'unknown', detail })
  if (next && !isSafe(next)) return { result: unknown('it redirects from https to plain http, which is not followed') }
  if (next)
    return { result: download.onlyFirst ? { state: 'moved', to: next.href } : unknown('it redirects in circles') }
  if (status === 404 || status === 410) return { result: { state: 'gone', detail: `${host} answered ${status}` } }
  if (status === 416) return { result: { state: 'there', size: 0 } }
  if (status === 200 || status === 206) return { result: { state: 'there', ...contentOf(answer, hashUpTo) } }
  const wait = waitAsked({ status, headers, text: body.toString('utf8') }, clock.now())
  if (wait === null)
    return { result: unknown(`${host} answered ${status}`), again: status >= 500 ? pause(count) : undefined }
  const detail = `${host} limits requests and asks to wait ${duration(wait)}`
  return { result: { state: 'unknown', detail, limited: true }, again: wait }
}

function contentOf({ headers, body, cut }: Answer, hashUpTo: number): { size?: number; sha256?: string } {
  if (cut || body.length > hashUpTo) return sizeOf(headers)
  return { size: body.length, sha256: createHash('sha256').update(body).digest('hex') }
}

function sizeOf(headers: Headers): { size?: number } {
  const range = /\/(\d+)$/.exec(headerOf(headers, 'content-range') ?? '')?.[1]
  const size = range ?? headerOf(headers, 'content-length')
  return size !== undefined && /^\d+$/.test(size) ? { size: Number(size) } : {}
}
