import { createHash } from 'node:crypto'
import { request } from 'undici'
import type { HealthState } from '../../model/survey.ts'
import { messageOf } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import { readCapped } from './body.ts'
import { proxyAgent } from './client.ts'

/** How a page answers to a user, without any credentials. */
export interface Page {
  state: HealthState
  detail: string
  hash?: string
}

const withinMs = 15_000
const maxBytes = 4 * 1024 * 1024

/** Hosts that a platform sends whoever is not logged in to; their page is not the site's. */
const logins = new Set(['vercel.com', 'app.netlify.com'])

export interface PageAsking {
  /** Sent to the address's own host alone, never along a redirect to another one. */
  headers?: Record<string, string>
  /** Sees the answer that is judged. */
  read?(answer: { headers: Record<string, unknown>; text: string }): void
}

/** Asks for a page as a browser would, redirects included. Never throws for what the site answers. */
export async function askPage(
  address: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  { headers: own = {}, read }: PageAsking = {}
): Promise<Page> {
  const agent = proxyAgent(env)
  const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
  try {
    const { origin } = new URL(address)
    let url = new URL(address)
    for (let hop = 0; hop < 5; hop++) {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: agent,
        signal: limit,
        headers: {
          ...(url.origin === origin && own),
          'cache-control': 'no-cache',
          'user-agent': 'pop-deploy-rollback'
        }
      })
      const text = await readCapped(body, maxBytes, limit)
      const location = String(headers.location ?? '')
      if (statusCode >= 300 && statusCode < 400 && location && URL.canParse(location, url.href)) {
        url = new URL(location, url)
        if (url.origin !== origin && logins.has(url.host)) return protectedPage(`${address} leads to ${url.host}`)
        continue
      }
      read?.({ headers, text })
      return { ...judged(statusCode, url), hash: createHash('sha256').update(text).digest('hex') }
    }
    return { state: 'degraded', detail: `${address} redirects in circles` }
  } catch (error) {
    signal.throwIfAborted()
    return { state: 'down', detail: `${address} does not answer: ${oneLine(messageOf(error))}` }
  } finally {
    await agent.destroy()
  }
}

function judged(status: number, { href }: URL): { state: HealthState; detail: string } {
  const detail = `${href} answers ${status}`
  if (status < 300) return { state: 'healthy', detail }
  if (status === 401 || status === 403) return protectedPage(detail)
  return { state: status >= 500 ? 'down' : 'degraded', detail }
}

const protectedPage = (detail: string): Page => ({
  state: 'unknown',
  detail: `${detail}: it is protected, so what it shows was not seen`
})
