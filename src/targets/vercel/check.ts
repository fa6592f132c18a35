import type { Check, CheckReport } from '../../model/check.ts'
import type { Release } from '../../model/release.ts'
import { messageOf, RollbackError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { Look } from '../target.ts'
import type { Vercel } from './api.ts'
import { askDomain, type DomainPage } from './page.ts'

const mostDomains = 10

/** Looks whether production, and each of its domains, leads to a release, and whether each domain answers users. */
export async function check(
  vercel: Vercel,
  env: NodeJS.ProcessEnv,
  release: Release,
  { signal }: Look
): Promise<CheckReport> {
  try {
    const [project, domains] = await Promise.all([vercel.readProject(signal), vercel.productionDomains(signal)])
    const serving = project.targets?.production?.id ?? 'none'
    const identity: Check = {
      id: 'production',
      title: 'The planned deployment is production',
      status: serving === release.id ? 'pass' : 'fail',
      detail: `the production deployment is ${serving}`
    }
    const each = await Promise.all(
      domains.slice(0, mostDomains).map((domain) => domainChecks(vercel, env, domain, release, signal))
    )
    return { checks: [identity, ...each.flat(), ...leftOut(domains.length)], observed: {} }
  } catch (error) {
    signal.throwIfAborted()
    const detail = oneLine(messageOf(error), 300)
    return {
      checks: [{ id: 'production', title: 'Vercel says what is production', status: 'unknown', detail }],
      observed: {}
    }
  }
}

async function domainChecks(
  vercel: Vercel,
  env: NodeJS.ProcessEnv,
  domain: string,
  release: Release,
  signal: AbortSignal
): Promise<Check[]> {
  const [deployment, page] = await Promise.all([
    vercel.deploymentOf(domain, signal).catch((error: unknown) => unknownLead(error, signal)),
    domain.startsWith('*') ? null : askDomain(domain, env, signal)
  ])
  const leads: Check = {
    id: `alias:${domain}`,
    title: `${domain} leads to it`,
    status: deployment === release.id ? 'pass' : deployment === null ? 'unknown' : 'fail',
    detail: deployment ? `it leads to ${deployment}` : 'Vercel does not say where it leads'
  }
  if (!page) return [leads]
  return [leads, pageCheck(domain, page, release)]
}

/** A page that names its deployment proves which one answers; one that names none shows only that it answers. */
function pageCheck(domain: string, { state, detail, deployments }: DomainPage, { id: wanted }: Release): Check {
  const id = `page:${domain}`
  const named = deployments.join(', ')
  const answers = state === 'healthy' ? 'pass' : state === 'unknown' ? 'unknown' : 'fail'
  if (!named) return { id, title: `${domain} answers`, status: answers, detail: `${detail}; it names no deployment` }
  const title = `${domain} answers with it`
  const status = deployments.includes(wanted) ? answers : 'fail'
  return { id, title, status, detail: `${detail} and names ${named}` }
}

/** One domain that cannot be asked for leaves what is known of the others. */
function unknownLead(error: unknown, signal: AbortSignal): null {
  signal.throwIfAborted()
  if (error instanceof RollbackError) return null
  throw error
}

const leftOut = (domains: number): Check[] =>
  domains <= mostDomains
    ? []
    : [
        {
          id: 'domains',
          title: 'Further domains',
          status: 'unknown',
          detail: `${domains - mostDomains} more domains were not looked at`
        }
      ]
