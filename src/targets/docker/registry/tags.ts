import { z } from 'zod'
import { type Answer, linkOf } from '../../../http/answer.ts'
import { networkReason } from '../../../http/failure.ts'
import { parseOutsideJson } from '../../../support/nesting.ts'
import { tagPattern } from '../objects/reference.ts'
import type { Credentials } from './credentials.ts'
import { apiOf, ask, isGood, limitIn, type RegistryContext } from './http.ts'

const tagsSchema = z.looseObject({ tags: z.array(z.string()).nullish() })

export type Tags = { tags: string[] } | { trouble: string }

/**
 * The tags that a repository has in its registry (opencontainers/distribution-spec, "Listing Tags"). At most `most`; never throws for
 * what the registry answers.
 */
export async function listTags(
  repository: string,
  credentials: Credentials | undefined,
  options: RegistryContext & { now: Date; most?: number }
): Promise<Tags> {
  const { host, base } = apiOf(repository)
  try {
    const tags: string[] = []
    let next: string | null = `${base}/tags/list?n=1000`
    let authorization: string | undefined
    while (next && tags.length < (options.most ?? 5000)) {
      const asked = await ask(next, credentials, { ...options, authorization })
      const { answer } = asked
      authorization = asked.authorization
      if (answer.status === 404) return { tags: [] }
      if (!isGood(answer)) return { trouble: troubleOf(answer, host, credentials, options.now) }
      tags.push(
        ...(tagsSchema.parse(parseOutsideJson(answer.body.toString('utf8'))).tags ?? []).filter((tag) =>
          tagPattern.test(tag)
        )
      )
      next = nextPage(linkOf(answer.headers, 'next'), next)
    }
    return { tags }
  } catch (error) {
    options.signal.throwIfAborted()
    return { trouble: `the registry ${host} cannot be reached (${networkReason(error)})` }
  }
}

function troubleOf({ status, headers }: Answer, host: string, credentials: Credentials | undefined, now: Date): string {
  const limit = limitIn(headers, now)
  if (status === 401 || status === 403)
    return credentials
      ? `the registry ${host} does not accept the login of the Docker configuration`
      : `the registry ${host} asks for a login`
  if (status === 429) return `the registry ${host} answers "too many requests"${limit ? ` (${limit})` : ''}`
  return `the registry ${host} answers HTTP ${status}`
}

function nextPage(target: string | undefined, base: string): string | null {
  if (target === undefined || !URL.canParse(target, base)) return null
  const url = new URL(target, base)
  return url.origin === new URL(base).origin ? url.href : null
}
