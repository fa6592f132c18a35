import { z } from 'zod'
import { messageOf } from '../../../support/errors.ts'
import type { Mask } from '../../../support/mask.ts'
import { oneLine } from '../../../support/text.ts'
import { splitRepository, tagPattern } from '../reference.ts'
import type { Credentials } from './credentials.ts'

const tagsSchema = z.looseObject({ tags: z.array(z.string()).nullish() })
const tokenSchema = z.looseObject({ token: z.string().optional(), access_token: z.string().optional() })

export type Tags = { tags: string[] } | { trouble: string }

/**
 * The tags that a repository has in its registry (opencontainers/distribution-spec, "Listing Tags"; token login as in
 * distribution.github.io/distribution/spec/auth/token). At most `most`; never throws for what the registry answers.
 */
export async function listTags(
  repository: string,
  credentials: Credentials | undefined,
  options: { mask: Mask; signal: AbortSignal; most?: number }
): Promise<Tags> {
  const { registry, path } = splitRepository(repository)
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
  try {
    const tags: string[] = []
    let next: string | null = `${schemeFor(host)}://${host}/v2/${path}/tags/list?n=1000`
    let authorization: string | undefined
    while (next && tags.length < (options.most ?? 5000)) {
      let answer = await get(next, authorization, options.signal)
      if (answer.status === 401 && !authorization) {
        authorization = await authorize(answer.headers.get('www-authenticate') ?? '', credentials, options)
        answer = await get(next, authorization, options.signal)
      }
      if (answer.status === 404) return { tags: [] }
      if (!answer.ok) return { trouble: troubleOf(answer.status, host, credentials) }
      tags.push(...(tagsSchema.parse(await answer.json()).tags ?? []).filter((tag) => tagPattern.test(tag)))
      next = nextPage(answer.headers.get('link'), next)
    }
    return { tags }
  } catch (error) {
    options.signal.throwIfAborted()
    const cause = error instanceof Error && error.cause ? `: ${messageOf(error.cause)}` : ''
    return { trouble: `the registry ${host} cannot be reached (${oneLine(messageOf(error) + cause)})` }
  }
}

/** Docker speaks plain HTTP only to a registry on the loopback, unless told otherwise. */
const schemeFor = (host: string): string =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host) ? 'http' : 'https'

const get = (url: string, authorization: string | undefined, signal: AbortSignal): Promise<Response> =>
  fetch(url, {
    headers: authorization ? { authorization } : {},
    signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)])
  })

async function authorize(
  challenge: string,
  credentials: Credentials | undefined,
  { mask, signal }: { mask: Mask; signal: AbortSignal }
): Promise<string | undefined> {
  const basic = credentials?.username
    ? `Basic ${Buffer.from(`${credentials.username}:${credentials.password ?? ''}`).toString('base64')}`
    : undefined
  mask.add(basic?.slice(6))
  const scheme = challenge.split(' ', 1)[0]?.toLowerCase()
  if (scheme === 'basic') return basic
  if (scheme !== 'bearer') return undefined
  const field = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? ''
  const url = new URL(field('realm'))
  if (url.protocol !== 'https:' && schemeFor(url.host) === 'https') return undefined
  const parameters = new URLSearchParams({ service: field('service'), scope: field('scope') })
  const limit = AbortSignal.any([signal, AbortSignal.timeout(10_000)])
  const answer = credentials?.identitytoken
    ? await fetch(url, {
        method: 'POST',
        body: new URLSearchParams({
          ...Object.fromEntries(parameters),
          grant_type: 'refresh_token',
          client_id: 'pop-deploy-rollback',
          refresh_token: credentials.identitytoken
        }),
        signal: limit
      })
    : await fetch(`${url}?${parameters}`, { headers: basic ? { authorization: basic } : {}, signal: limit })
  if (!answer.ok) return undefined
  const { token, access_token } = tokenSchema.parse(await answer.json())
  mask.add(token ?? access_token)
  return `Bearer ${token ?? access_token}`
}

function troubleOf(status: number, host: string, credentials: Credentials | undefined): string {
  if (status === 401 || status === 403)
    return credentials
      ? `the registry ${host} does not accept the login of the Docker configuration`
      : `the registry ${host} asks for a login`
  if (status === 429) return `the registry ${host} answers "too many requests"`
  return `the registry ${host} answers HTTP ${status}`
}

function nextPage(link: string | null, base: string): string | null {
  const target = /<([^>]+)>;\s*rel="?next"?/.exec(link ?? '')?.[1]
  if (!target) return null
  const url = new URL(target, base)
  return url.host === new URL(base).host ? url.href : null
}
