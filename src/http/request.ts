import { type Dispatcher, request as send } from 'undici'
import { withLimit } from '../support/limit.ts'
import { type Answer, redirectOf } from './answer.ts'
import { mebibyte, readUpTo, TooLarge } from './body.ts'
import { proxyAgent } from './proxy.ts'
import { requireNotLinkLocal } from './trusted-hosts.ts'

export interface RequestOptions {
  /** Its proxy variables are obeyed. */
  env: NodeJS.ProcessEnv
  signal: AbortSignal
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** A login goes here, as `authorization`. */
  headers?: Record<string, string>
  body?: string
  /** Until the whole body is there. Default: 20 s. */
  limitMs?: number
  /** Longest body. Default: 8 MiB. */
  maxBytes?: number
  /** Keeps the beginning of a longer body, where it would fail otherwise. With `maxBytes: 0` nothing of it is waited for. */
  cut?: boolean
  /** Gets the body piece by piece; the answer then holds none of it. */
  sink?(chunk: Buffer): void
  /** Uses a connection of its own, as a user who comes for the first time does. */
  newConnection?: boolean
  /** The connections to use. Default: those of `proxyAgent`. */
  dispatcher?: Dispatcher
}

/**
 * Sends one request to any address and reads its answer up to a limit. No status is an error, no redirect is followed, nothing is
 * repeated.
 * @throws TooLarge; ConfigError for a proxy variable that is no address, or a link-local host; otherwise what kept the answer away.
 */
export async function request(url: string | URL, options: RequestOptions): Promise<Answer> {
  const { env, signal, method = 'GET', headers, body, limitMs = 20_000, maxBytes = 8 * mebibyte } = options
  requireNotLinkLocal(env, new URL(url))
  const limit = withLimit(signal, limitMs)
  const response = await send(url, {
    method,
    dispatcher: options.dispatcher ?? proxyAgent(env),
    signal: limit,
    headers: { 'user-agent': `pop-deploy-rollback node/${process.versions.node}`, ...headers },
    ...(options.newConnection && { reset: true }),
    ...(body !== undefined && { body })
  })
  const beginning = await readUpTo(response.body, maxBytes, limit, options.sink)
  if (beginning.cut && !options.cut) throw new TooLarge(`the answer is longer than ${maxBytes / mebibyte} MB`)
  return { status: response.statusCode, headers: response.headers, ...beginning }
}

export interface Followed {
  answer: Answer
  /** Where the answer came from. */
  url: URL
  /** Where the answer leads, when it was not followed any more. */
  next: URL | null
}

/**
 * The same along redirects, within one time limit.
 * @param optionsFor what is sent to each address: a login must not reach another host.
 * @param mayFollow whether a redirect is followed.
 */
export async function requestAlong(
  start: string | URL,
  limits: { signal: AbortSignal; limitMs: number },
  optionsFor: (url: URL) => Omit<RequestOptions, 'signal' | 'limitMs'>,
  mayFollow: (next: URL, answer: Answer) => boolean,
  maxRedirects = 5
): Promise<Followed> {
  const signal = withLimit(limits.signal, limits.limitMs)
  let url = new URL(start)
  for (let hop = 0; ; hop++) {
    const answer = await request(url, { ...optionsFor(url), signal, limitMs: limits.limitMs })
    const next = redirectOf(answer, url)
    if (!next || hop === maxRedirects || !mayFollow(next, answer)) return { answer, url, next }
    url = next
  }
}
