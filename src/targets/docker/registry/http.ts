import { z } from 'zod'
import { type Answer, type Headers, headerOf } from '../../../http/answer.ts'
import { mebibyte } from '../../../http/body.ts'
import { request, requestAlong } from '../../../http/request.ts'
import type { Mask } from '../../../support/mask.ts'
import { parseOutsideJson } from '../../../support/nesting.ts'
import { duration } from '../../../support/text.ts'
import { parseReference, splitRepository } from '../objects/reference.ts'
import type { Credentials } from './credentials.ts'

const limits = { limitMs: 10_000, maxBytes: 8 * mebibyte }
const tokenSchema = z.looseObject({ token: z.string().optional(), access_token: z.string().optional() })

export interface RegistryContext {
  env: NodeJS.ProcessEnv
  mask: Mask
  signal: AbortSignal
}

/** A registry's answer, and what it made of the login. */
export interface RegistryAnswer {
  answer: Answer
  /** Sent with the next request. */
  authorization?: string | undefined
  /** The login was not accepted: the answer is the one for requests without a login. */
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
  options: RegistryContext & {
    method?: 'GET' | 'HEAD'
    headers?: Record<string, string>
    authorization?: string | undefined
  }
): Promise<RegistryAnswer> {
  const { env, signal, method = 'GET' } = options
  const send = async (authorization: string | undefined): Promise<Answer> => {
    // A redirect to another host, as of an object store, must not take the login along.
    const optionsFor = ({ origin }: URL) => ({
      env,
      method,
      maxBytes: limits.maxBytes,
      headers: { ...options.headers, ...(authorization && origin === new URL(url).origin && { authorization }) }
    })
    const { answer } = await requestAlong(url, { signal, limitMs: limits.limitMs }, optionsFor, () => true)
    return answer
  }
  const first = await send(options.authorization)
  if (first.status !== 401 || options.authorization)
    return { answer: first, authorization: options.authorization, loginRefused: false }
  const { authorization, refused } = await authorize(
    headerOf(first.headers, 'www-authenticate') ?? '',
    new URL(url),
    credentials,
    options
  )
  const answer = await send(authorization)
  const basicRefused = answer.status === 401 && authorization?.startsWith('Basic ') === true
  return { answer, authorization, loginRefused: refused || basicRefused }
}

/** Asks whether a registry has an image under `repository:tag` or `repository@digest`; null where there is no answer. */
export async function askForManifest(
  reference: string,
  credentials: Credentials | undefined,
  context: RegistryContext
): Promise<RegistryAnswer | null> {
  const parsed = parseReference(reference)
  if (!parsed) return null
  try {
    const url = `${apiOf(parsed.repository).base}/manifests/${parsed.digest ?? parsed.tag ?? 'latest'}`
    return await ask(url, credentials, { ...context, method: 'HEAD', headers: { accept: manifestTypes } })
  } catch {
    context.signal.throwIfAborted()
    return null
  }
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json'
].join(', ')

/** What is left of a limit and when to try again, as registries say (docs.docker.com/docker-hub/usage/pulls; RFC 9110, Retry-After). */
export function limitIn(headers: Headers, now: Date): string | null {
  const count = (name: string): RegExpExecArray | null => /^(\d+)(?:;\s*w=(\d+))?/.exec(headerOf(headers, name) ?? '')
  const [limit, left] = [count('ratelimit-limit'), count('ratelimit-remaining')]
  const after = headerOf(headers, 'retry-after') ?? ''
  const seconds = /^\d+$/.test(after) ? Number(after) : (Date.parse(after) - now.getTime()) / 1000
  const parts = [
    limit && left && `${left[1]} of ${limit[1]}${limit[2] ? ` in ${duration(Number(limit[2]) * 1000)}` : ''} are left`,
    seconds > 0 && `try again in ${duration(seconds * 1000)}`
  ].filter(Boolean)
  return parts.length > 0 ? parts.join(', ') : null
}

/** Docker speaks plain HTTP only to a registry on the loopback, unless configured otherwise. */
const schemeFor = (host: string): string =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host) ? 'http' : 'https'

async function authorize(
  challenge: string,
  registry: URL,
  own: Credentials | undefined,
  { env, mask, signal }: RegistryContext
): Promise<{ authorization?: string; refused: boolean }> {
  const scheme = challenge.split(' ', 1)[0]?.toLowerCase()
  const field = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? ''
  const realm = scheme === 'bearer' ? field('realm') : registry.href
  if (!URL.canParse(realm)) return { refused: false }
  const url = new URL(realm)
  if (url.protocol !== 'https:' && schemeFor(url.host) === 'https') return { refused: false }
  const credentials = servesLoginsOf(registry, url) ? own : undefined
  const basic = credentials?.username
    ? `Basic ${Buffer.from(`${credentials.username}:${credentials.password ?? ''}`).toString('base64')}`
    : undefined
  mask.add(basic?.slice(6))
  if (scheme === 'basic') return { ...(basic && { authorization: basic }), refused: false }
  if (scheme !== 'bearer') return { refused: false }
  const parameters = new URLSearchParams({ service: field('service'), scope: field('scope') })
  const answer = credentials?.identitytoken
    ? await request(url, {
        ...limits,
        env,
        signal,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          ...Object.fromEntries(parameters),
          grant_type: 'refresh_token',
          client_id: 'pop-deploy-rollback',
          refresh_token: credentials.identitytoken
        }).toString()
      })
    : await request(`${url}?${parameters}`, {
        ...limits,
        env,
        signal,
        headers: basic ? { authorization: basic } : {}
      })
  if (!isGood(answer)) return { refused: credentials !== undefined && [400, 401, 403].includes(answer.status) }
  const { token, access_token } = tokenSchema.parse(parseOutsideJson(answer.body.toString('utf8')))
  mask.add(token ?? access_token)
  return { authorization: `Bearer ${token ?? access_token}`, refused: false }
}

/** Token services with a name of their own (docs.docker.com/reference/api/registry/auth, docs.digitalocean.com/reference/api). */
const tokenServices: Record<string, string> = {
  'registry-1.docker.io': 'auth.docker.io',
  'registry.digitalocean.com': 'api.digitalocean.com'
}

/**
 * Whether a login for a registry may go to the token service that the registry names: on the same host; or on a domain that the
 * registry's belongs to, whose owner decides over it, as gitlab.com over registry.gitlab.com; or the one that is known for it.
 */
export const servesLoginsOf = (registry: URL, service: URL): boolean =>
  service.origin === registry.origin ||
  (service.protocol === 'https:' &&
    service.port === '' &&
    service.hostname.includes('.') &&
    (registry.hostname.endsWith(`.${service.hostname}`) || tokenServices[registry.host] === service.hostname))

export const isGood = ({ status }: Pick<Answer, 'status'>): boolean => status >= 200 && status < 300
