import { z } from 'zod'
import type { Mask } from '../../../support/mask.ts'
import { duration } from '../../../support/text.ts'
import { splitRepository } from '../objects/reference.ts'
import type { Credentials } from './credentials.ts'

const limitMs = 10_000
const tokenSchema = z.looseObject({ token: z.string().optional(), access_token: z.string().optional() })

export interface Asking {
  mask: Mask
  signal: AbortSignal
}

/** A registry's answer, and what it made of the login. */
export interface Answered {
  answer: Response
  /** Sent with the next question. */
  authorization?: string | undefined
  /** The login was not accepted, so that the answer is one to nobody in particular. */
  loginRefused: boolean
}

/** Where a repository's API is (opencontainers/distribution-spec): `https://ghcr.io/v2/shop/web`. */
export function apiOf(repository: string): { host: string; base: string } {
  const { registry, path } = splitRepository(repository)
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
  return { host, base: `${schemeFor(host)}://${host}/v2/${path}` }
}

/** Asks, and once more with what the registry's challenge demands (distribution.github.io/distribution/spec/auth/token). */
export async function ask(
  url: string,
  credentials: Credentials | undefined,
  options: Asking & { method?: 'GET' | 'HEAD'; headers?: Record<string, string>; authorization?: string | undefined }
): Promise<Answered> {
  const send = (authorization: string | undefined): Promise<Response> =>
    fetch(url, {
      method: options.method ?? 'GET',
      headers: { ...options.headers, ...(authorization && { authorization }) },
      signal: withLimit(options.signal)
    })
  const first = await send(options.authorization)
  if (first.status !== 401 || options.authorization)
    return { answer: first, authorization: options.authorization, loginRefused: false }
  await first.body?.cancel()
  const { authorization, refused } = await authorize(first.headers.get('www-authenticate') ?? '', credentials, options)
  const answer = await send(authorization)
  const basicRefused = answer.status === 401 && authorization?.startsWith('Basic ') === true
  return { answer, authorization, loginRefused: refused || basicRefused }
}

/** What is left of a limit and when to try again, as registries say (docs.docker.com/docker-hub/usage/pulls; RFC 9110, Retry-After). */
export function limitIn(headers: Headers, now: Date): string | null {
  const count = (name: string): RegExpExecArray | null => /^(\d+)(?:;\s*w=(\d+))?/.exec(headers.get(name) ?? '')
  const [limit, left] = [count('ratelimit-limit'), count('ratelimit-remaining')]
  const after = headers.get('retry-after') ?? ''
  const seconds = /^\d+$/.test(after) ? Number(after) : (Date.parse(after) - now.getTime()) / 1000
  const parts = [
    limit && left && `${left[1]} of ${limit[1]}${limit[2] ? ` in ${duration(Number(limit[2]) * 1000)}` : ''} are left`,
    seconds > 0 && `try again in ${duration(seconds * 1000)}`
  ].filter(Boolean)
  return parts.length > 0 ? parts.join(', ') : null
}

/** Docker speaks plain HTTP only to a registry on the loopback, unless told otherwise. */
const schemeFor = (host: string): string =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host) ? 'http' : 'https'

const withLimit = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(limitMs)])

async function authorize(
  challenge: string,
  credentials: Credentials | undefined,
  { mask, signal }: Asking
): Promise<{ authorization?: string; refused: boolean }> {
  const basic = credentials?.username
    ? `Basic ${Buffer.from(`${credentials.username}:${credentials.password ?? ''}`).toString('base64')}`
    : undefined
  mask.add(basic?.slice(6))
  const scheme = challenge.split(' ', 1)[0]?.toLowerCase()
  if (scheme === 'basic') return { ...(basic && { authorization: basic }), refused: false }
  if (scheme !== 'bearer') return { refused: false }
  const field = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? ''
  const url = new URL(field('realm'))
  if (url.protocol !== 'https:' && schemeFor(url.host) === 'https') return { refused: false }
  const parameters = new URLSearchParams({ service: field('service'), scope: field('scope') })
  const answer = credentials?.identitytoken
    ? await fetch(url, {
        method: 'POST',
        body: new URLSearchParams({
          ...Object.fromEntries(parameters),
          grant_type: 'refresh_token',
          client_id: 'pop-deploy-rollback',
          refresh_token: credentials.identitytoken
        }),
        signal: withLimit(signal)
      })
    : await fetch(`${url}?${parameters}`, {
        headers: basic ? { authorization: basic } : {},
        signal: withLimit(signal)
      })
  if (!answer.ok) return { refused: credentials !== undefined && [400, 401, 403].includes(answer.status) }
  const { token, access_token } = tokenSchema.parse(await answer.json())
  mask.add(token ?? access_token)
  return { authorization: `Bearer ${token ?? access_token}`, refused: false }
}
