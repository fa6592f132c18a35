import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { HealthState } from '../model/observation.ts'
import type { Headers } from './answer.ts'
import { mebibyte } from './body.ts'
import { networkReason } from './failure.ts'
import { type PageProbe, probeHint, probeOptions } from './probe.ts'
import { requestAlong } from './request.ts'

/** How a page answers to a user, without any credentials. */
export interface Page {
  /** `unknown` for all that this machine could not see, and for a page whose right answer is not known. */
  state: HealthState
  detail: string
  /** None when nothing answered. */
  status?: number
  /** Of the whole page; none when it is too long to be read. */
  hash?: string
  /** How the text begins; none of what another site answers, such as one within this network that a redirect names. */
  text?: string
}

const limitMs = 15_000
const maxBytes = 4 * mebibyte
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
  read?(answer: { headers: Headers; text: string }): void
}

/** Asks for a page of a site as a browser would, redirects included. Never throws for what the site answers, or does not. */
export async function askPage(
  site: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  asking: PageAsking = {}
): Promise<Page> {
  const address = asking.probe ? new URL(asking.probe.path, site).href : site
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await askOnce(address, env, signal, asking)
      } catch (error) {
        signal.throwIfAborted()
        if (attempt === tries) throw error
        await pause(betweenMs, undefined, { signal })
      }
    }
  } catch (error) {
    signal.throwIfAborted()
    return { state: 'unknown', detail: `${address} could not be asked from here: ${networkReason(error)}` }
  }
}

/** @throws whatever keeps this machine from an answer: names, routes, proxies, certificates, time. */
async function askOnce(
  address: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  { headers: own = {}, probe, read }: PageAsking
): Promise<Page> {
  const { origin } = new URL(address)
  const isLogin = (to: URL): boolean => to.origin !== origin && logins.has(to.host)
  const usual = probeOptions(env)
  const { answer, url, next } = await requestAlong(
    address,
    { signal, limitMs },
    (to) => ({ ...usual, maxBytes, headers: { ...(to.origin === origin && own), ...usual.headers } }),
    (to, { status }) => status !== probe?.expect_status && !isLogin(to)
  )
  const { status, headers, body, cut } = answer
  if (next && status !== probe?.expect_status)
    return isLogin(next)
      ? protectedPage(`${address} leads to ${next.host}`)
      : { state: 'degraded', detail: `${address} redirects in circles` }
  // A page counts by its status, however long it is: what is too much stays unread.
  const text = body.toString('utf8')
  read?.({ headers, text })
  return {
    ...judged(status, url, probe),
    status,
    ...(siteOf(url) === siteOf(new URL(address)) && { text: text.slice(0, keptCharacters) }),
    ...(!cut && { hash: createHash('sha256').update(text).digest('hex') })
  }
}

const siteOf = ({ hostname }: URL): string => hostname.replace(/^www\./, '')

function judged(status: number, { href }: URL, probe: PageProbe | null | undefined): Page {
  const detail = `${href} answers ${status}`
  const expected = probe?.expect_status
  if (expected !== undefined && status === expected) return { state: 'healthy', detail }
  if (status >= 500) return { state: 'down', detail }
  if (expected !== undefined) return { state: 'degraded', detail: `${detail}, not ${expected}` }
  if (status < 300) return { state: 'healthy', detail }
  if (status === 401 || status === 403) return protectedPage(detail)
  if (probe) return { state: 'degraded', detail }
  return { state: 'unknown', detail: `${detail}, and it is not known whether it should: ${probeHint}` }
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
