import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { type Dispatcher, request } from 'undici'
import type { HealthState } from '../model/observation.ts'
import { messageOf } from '../support/errors.ts'
import { oneLine } from '../support/text.ts'
import { proxyAgent } from './client.ts'
import { type PageProbe, probeHint } from './probe.ts'

/** How a page answers to a user, without any credentials. */
export interface Page {
  /** `unknown` for all that this machine could not see, and for what nobody says how it should be. */
  state: HealthState
  detail: string
  /** None when nothing answered. */
  status?: number
  /** Of the whole page; none when it is too long to be read. */
  hash?: string
  /** How the text begins. */
  text?: string
}

const withinMs = 15_000
const maxBytes = 4 * 1024 * 1024
const keptCharacters = 2000
const tries = 2
const betweenMs = 500

/** Hosts that a platform sends whoever is not logged in to; their page is not the site's. */
const logins = new Set(['vercel.com', 'app.netlify.com'])

export interface PageAsking {
  /** How the page should answer, where somebody says so. */
  probe?: PageProbe | null | undefined
  /** Sent to the address's own host alone, never along a redirect to another one. */
  headers?: Record<string, string>
  /** Sees the answer that is judged. */
  read?(answer: { headers: Record<string, unknown>; text: string }): void
}

/** Asks for a page of a site as a browser would, redirects included. Never throws for what the site answers, or does not. */
export async function askPage(
  site: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  asking: PageAsking = {}
): Promise<Page> {
  const address = asking.probe ? new URL(asking.probe.path, site).href : site
  let agent: Dispatcher | undefined
  try {
    agent = proxyAgent(env)
    for (let attempt = 1; ; attempt++) {
      try {
        return await askOnce(address, agent, signal, asking)
      } catch (error) {
        signal.throwIfAborted()
        if (attempt === tries) throw error
        await pause(betweenMs, undefined, { signal })
      }
    }
  } catch (error) {
    signal.throwIfAborted()
    return { state: 'unknown', detail: `${address} could not be asked from here: ${oneLine(messageOf(error))}` }
  } finally {
    await agent?.destroy()
  }
}

/** @throws whatever keeps this machine from an answer: names, routes, proxies, certificates, time. */
async function askOnce(
  address: string,
  agent: Dispatcher,
  signal: AbortSignal,
  { headers: own = {}, probe, read }: PageAsking
): Promise<Page> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
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
    const { text, whole } = await beginningOf(body)
    const location = String(headers.location ?? '')
    const leadsOn = statusCode >= 300 && statusCode < 400 && location && URL.canParse(location, url.href)
    if (leadsOn && statusCode !== probe?.expect_status) {
      url = new URL(location, url)
      if (url.origin !== origin && logins.has(url.host)) return protectedPage(`${address} leads to ${url.host}`)
      continue
    }
    read?.({ headers, text })
    return {
      ...judged(statusCode, url, probe),
      status: statusCode,
      text: text.slice(0, keptCharacters),
      ...(whole && { hash: createHash('sha256').update(text).digest('hex') })
    }
  }
  return { state: 'degraded', detail: `${address} redirects in circles` }
}

/** A page counts by its status, however long it is: what is too much stays unread. */
async function beginningOf(body: Readable): Promise<{ text: string; whole: boolean }> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of body) {
      chunks.push(chunk as Buffer)
      length += (chunk as Buffer).length
      if (length > maxBytes) return { text: Buffer.concat(chunks).toString('utf8'), whole: false }
    }
    return { text: Buffer.concat(chunks).toString('utf8'), whole: true }
  } finally {
    body.on('error', () => undefined).destroy()
  }
}

function judged(status: number, { href }: URL, probe: PageProbe | null | undefined): Page {
  const detail = `${href} answers ${status}`
  const expected = probe?.expect_status
  if (expected !== undefined && status === expected) return { state: 'healthy', detail }
  if (status >= 500) return { state: 'down', detail }
  if (expected !== undefined) return { state: 'degraded', detail: `${detail}, not ${expected}` }
  if (status < 300) return { state: 'healthy', detail }
  if (status === 401 || status === 403) return protectedPage(detail)
  if (probe) return { state: 'degraded', detail }
  return { state: 'unknown', detail: `${detail}, and nobody says whether it should: ${probeHint}` }
}

/** Whoever asks too often, or without a login, is turned away, whatever the site would show. */
const turnsAway = new Set([401, 403, 429])

const protectedPage = (detail: string): Page => ({
  state: 'unknown',
  detail: `${detail}: it is protected, so what it shows was not seen`
})

/**
 * Judges a page after a rollback by what it was before: `unknown` when nobody can say. A page that answers as badly as before, while
 * others of the same site serve, has its own trouble; one that answered well and no longer does was made worse.
 */
export function comparedWith(
  before: number | null | undefined,
  { state, status, detail }: Page,
  othersServe: boolean
): { status: 'pass' | 'fail' | 'unknown'; detail: string } {
  if (state === 'healthy') return { status: 'pass', detail }
  if (before != null && before < 300 && status !== undefined && status >= 400 && !turnsAway.has(status))
    return { status: 'fail', detail: `${detail}; before the rollback it answered ${before}` }
  if (state === 'unknown') return { status: 'unknown', detail }
  if (othersServe && before === status) return { status: 'unknown', detail: `${detail}, as before the rollback` }
  return { status: 'fail', detail }
}
