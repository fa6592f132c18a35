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

/** Asks for a page as a browser would, redirects included. Never throws for what the site answers. */
export async function askPage(address: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Page> {
  const agent = proxyAgent(env)
  const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
  try {
    let url = new URL(address)
    for (let hop = 0; hop < 5; hop++) {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: agent,
        signal: limit,
        headers: { 'cache-control': 'no-cache', 'user-agent': 'pop-deploy-rollback' }
      })
      const text = await readCapped(body, maxBytes, limit)
      const location = String(headers.location ?? '')
      if (statusCode >= 300 && statusCode < 400 && location && URL.canParse(location, url.href)) {
        url = new URL(location, url)
        continue
      }
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
  if (status === 401 || status === 403)
    return { state: 'unknown', detail: `${detail}: it is protected, so what it shows was not seen` }
  return { state: status >= 500 ? 'down' : 'degraded', detail }
}
