import type { JsonObject } from '../../model/json.ts'
import type { Health } from '../../model/observation.ts'
import type { VercelContext } from './context.ts'
import { askDomain, type DomainPage } from './page.ts'

const maxDomains = 10

/** Asks the first production domains; a wildcard cannot be asked. */
export const askDomains = (
  domains: readonly string[],
  context: VercelContext,
  signal: AbortSignal
): Promise<DomainPage[]> =>
  Promise.all(
    domains
      .filter((domain) => !domain.startsWith('*'))
      .slice(0, maxDomains)
      .map((domain) => askDomain(domain, context, signal))
  )

/** A domain that could not be reached does not count: it says nothing of those that answer. */
export function healthOf(pages: readonly DomainPage[]): Health {
  const seen = pages.filter(({ state }) => state !== 'unknown')
  const unseen = pages.filter(({ state }) => state === 'unknown').map(({ detail }) => detail)
  const bad = seen.filter(({ state }) => state !== 'healthy')
  const [first] = bad.length > 0 ? bad : seen
  if (!first) return { state: 'unknown', message: unseen[0] ?? 'the project has no production domain to ask' }
  const message = [first.detail, ...unseen.slice(0, 2)].join('; ')
  if (bad.length === 0) return { state: 'healthy', message }
  return { state: seen.every(({ state }) => state === 'down') ? 'down' : 'degraded', message }
}

/** The status of each domain, null where nothing answered: what a check after a rollback compares with. */
export const seenOf = (pages: readonly DomainPage[]): JsonObject =>
  Object.fromEntries(pages.map(({ domain, status }) => [domain, status ?? null]))
