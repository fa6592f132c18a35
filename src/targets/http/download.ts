import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { type Dispatcher, request as send } from 'undici'
import { messageOf } from '../../support/errors.ts'
import type { Mask } from '../../support/mask.ts'
import { oneLine } from '../../support/text.ts'
import { proxyAgent } from './client.ts'
import { headerOf } from './headers.ts'

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
  mask: Mask
  signal: AbortSignal
}

export type Downloaded =
  | { state: 'there'; size?: number; sha256?: string }
  | { state: 'moved'; to: string }
  /** The other side says that it is not there. */
  | { state: 'gone'; detail: string }
  /** It could not be told. */
  | { state: 'unknown'; detail: string }

const withinMs = 30_000
const maxHops = 5

/**
 * Whether something can really be downloaded: asks for its first byte and follows the way there, for signed addresses of object stores
 * refuse HEAD. A redirect to plain http from https is not followed.
 */
export async function tryDownload(download: Download): Promise<Downloaded> {
  const { env, mask, signal } = download
  const agent = proxyAgent(env)
  const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
  try {
    return await follow(download, agent, limit)
  } catch (error) {
    signal.throwIfAborted()
    return { state: 'unknown', detail: oneLine(mask.text(messageOf(error)), 160) }
  } finally {
    await agent.destroy()
  }
}

async function follow(download: Download, agent: Dispatcher, signal: AbortSignal): Promise<Downloaded> {
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
        return { state: 'unknown', detail: `${url.host} answered ${statusCode}` }
      return hashUpTo > 0 ? await hashed(body, hashUpTo, headers) : { state: 'there', ...sizeOf(headers) }
    } finally {
      body.on('error', () => undefined).destroy()
    }
  }
  return { state: 'unknown', detail: 'it redirects in circles' }
}

async function hashed(
  body: Readable,
  max: number,
  headers: Record<string, string | string[] | undefined>
): Promise<Downloaded> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of body) {
    size += (chunk as Buffer).length
    if (size > max) return { state: 'there', ...sizeOf(headers) }
    hash.update(chunk as Buffer)
  }
  return { state: 'there', size, sha256: hash.digest('hex') }
}

function sizeOf(headers: Record<string, string | string[] | undefined>): { size?: number } {
  const range = /\/(\d+)$/.exec(headerOf(headers, 'content-range') ?? '')?.[1]
  const size = range ?? headerOf(headers, 'content-length')
  return size !== undefined && /^\d+$/.test(size) ? { size: Number(size) } : {}
}
