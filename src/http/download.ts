import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { type Dispatcher, request as send } from 'undici'
import type { Clock } from '../support/clock.ts'
import { messageOf } from '../support/errors.ts'
import type { Mask } from '../support/mask.ts'
import { duration, oneLine } from '../support/text.ts'
import { attempts, longestWaitMs, pause } from './again.ts'
import { readCapped } from './body.ts'
import { isTransient } from './failure.ts'
import { type Headers, headerOf } from './headers.ts'
import { proxyAgent } from './proxy.ts'
import { waitAsked } from './rate-limit.ts'

export interface Download {
  url: string
  /** Sent to the origin of `url` alone, never on to where it redirects. */
  authorization?: string
  accept?: string
  /** Reads the whole and hashes it, when it is no longer than this; else only its first byte is asked for. */
  hashUpTo?: number
  /** Does not follow a redirect, but tells where it leads. */
  onlyFirst?: boolean
  env: NodeJS.ProcessEnv
  clock: Clock
  mask: Mask
  signal: AbortSignal
}

export type Downloaded =
  | { state: 'there'; size?: number; sha256?: string }
  | { state: 'moved'; to: string }
  /** The other side says that it is not there. */
  | { state: 'gone'; detail: string }
  /** It could not be told; `limited` when the other side wants no more requests for a while. */
  | { state: 'unknown'; detail: string; limited?: boolean }

/** `again` is how long to wait before another try may tell. */
type Tried = Downloaded & { again?: number }

const withinMs = 30_000
const maxHops = 5
const mostOfRefusal = 65_536

/**
 * Whether something can really be downloaded: asks for its first byte and follows the way there, for signed addresses of object stores
 * refuse HEAD. A redirect to plain http from https is not followed. What fails by itself is tried again, and a limit is waited for.
 */
export async function tryDownload(download: Download): Promise<Downloaded> {
  const { clock, env, signal } = download
  const agent = proxyAgent(env)
  try {
    let waited = 0
    for (let attempt = 1; ; attempt++) {
      const { again, ...result } = await once(download, agent, attempt)
      if (again === undefined || attempt === attempts || waited + again > longestWaitMs) return result
      waited += again
      await clock.sleep(again, signal)
    }
  } finally {
    await agent.destroy()
  }
}

async function once(download: Download, agent: Dispatcher, attempt: number): Promise<Tried> {
  const { mask, signal } = download
  const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
  try {
    return await follow(download, agent, limit, attempt)
  } catch (error) {
    signal.throwIfAborted()
    // what took its whole time once is not given as much again
    const again = isTransient(error) && !limit.aborted ? { again: pause(attempt) } : {}
    return { state: 'unknown', detail: oneLine(mask.text(messageOf(error)), 160), ...again }
  }
}

async function follow(download: Download, agent: Dispatcher, signal: AbortSignal, attempt: number): Promise<Tried> {
  const { authorization, accept = '*/*', hashUpTo = 0 } = download
  const start = new URL(download.url)
  let url = start
  for (let hop = 0; hop <= maxHops; hop++) {
    const { statusCode, headers, body } = await send(url, {
      dispatcher: agent,
      signal,
      headers: {
        accept,
        'user-agent': `pop-deploy-rollback node/${process.versions.node}`,
        ...(hashUpTo === 0 && { range: 'bytes=0-0' }),
        ...(authorization && url.origin === start.origin && { authorization })
      }
    })
    try {
      const location = headerOf(headers, 'location')
      if (statusCode >= 300 && statusCode < 400 && location) {
        const next = URL.canParse(location, url.href) ? new URL(location, url) : null
        if (!next || !/^https?:$/.test(next.protocol) || (start.protocol === 'https:' && next.protocol === 'http:'))
          return { state: 'unknown', detail: 'it redirects to where it is not followed' }
        if (download.onlyFirst) return { state: 'moved', to: next.href }
        url = next
        continue
      }
      if (statusCode === 404 || statusCode === 410)
        return { state: 'gone', detail: `${url.host} answered ${statusCode}` }
      if (statusCode === 416) return { state: 'there', size: 0 }
      if (statusCode !== 200 && statusCode !== 206)
        return await refused(download, url, { status: statusCode, headers, body }, signal, attempt)
      return hashUpTo > 0 ? await hashed(body, hashUpTo, headers) : { state: 'there', ...sizeOf(headers) }
    } finally {
      body.on('error', () => undefined).destroy()
    }
  }
  return { state: 'unknown', detail: 'it redirects in circles' }
}

async function refused(
  { clock }: Download,
  { host }: URL,
  { status, headers, body }: { status: number; headers: Headers; body: Readable },
  signal: AbortSignal,
  attempt: number
): Promise<Tried> {
  const text = status === 403 ? await readCapped(body, mostOfRefusal, signal).catch(() => '') : ''
  const wait = waitAsked({ status, headers, text }, clock.now())
  if (wait !== null)
    return {
      state: 'unknown',
      detail: `${host} limits requests and asks to wait ${duration(wait)}`,
      limited: true,
      again: wait
    }
  return {
    state: 'unknown',
    detail: `${host} answered ${status}`,
    ...(status >= 500 && { again: pause(attempt) })
  }
}

async function hashed(body: Readable, max: number, headers: Headers): Promise<Downloaded> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of body) {
    size += (chunk as Buffer).length
    if (size > max) return { state: 'there', ...sizeOf(headers) }
    hash.update(chunk as Buffer)
  }
  return { state: 'there', size, sha256: hash.digest('hex') }
}

function sizeOf(headers: Headers): { size?: number } {
  const range = /\/(\d+)$/.exec(headerOf(headers, 'content-range') ?? '')?.[1]
  const size = range ?? headerOf(headers, 'content-length')
  return size !== undefined && /^\d+$/.test(size) ? { size: Number(size) } : {}
}
