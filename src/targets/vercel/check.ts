import { comparedWith } from '../../http/page.ts'
import type { Check, CheckReport } from '../../model/check.ts'
import type { Release } from '../../model/release.ts'
import { messageOf, RollbackError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { CheckOptions } from '../target.ts'
import type { Rolling } from './api.ts'
import type { VercelContext } from './context.ts'
import { aliasCommand } from './move-alias.ts'
import { askDomain, type DomainPage } from './page.ts'
import { shareOf } from './rolling-release.ts'
import type { Project } from './shapes.ts'

const mostDomains = 10

/** Whether production, and each of its domains, leads to a release, and whether each domain answers users. */
export async function check(context: VercelContext, release: Release, { signal }: CheckOptions): Promise<CheckReport> {
  const { vercel } = context
  try {
    const [project, rolling, domains] = await Promise.all([
      vercel.readProject(signal),
      vercel.rollingRelease(signal),
      vercel.productionDomains(signal)
    ])
    const domainStates = await Promise.all(
      domains.slice(0, mostDomains).map((domain) => stateOf(domain, context, signal))
    )
    const aliases = await Promise.all(aliasesIn(release).map((alias) => aliasLeads(alias, release, context, signal)))
    const anyServes = domainStates.some(({ page }) => page?.state === 'healthy')
    return {
      checks: [
        identity(project, rolling, release),
        ...domainStates.flatMap((state) => [leads(state, release), ...answers(state, release, anyServes)]),
        ...aliases,
        ...leftOut(domains.length)
      ],
      observed: {}
    }
  } catch (error) {
    signal.throwIfAborted()
    const detail = oneLine(messageOf(error), 300)
    return {
      checks: [{ id: 'production', title: 'Vercel says what is production', status: 'unknown', detail }],
      observed: {}
    }
  }
}

/** One domain: where Vercel says that it leads, and what it shows. */
interface DomainState {
  domain: string
  deployment: string | null
  page: DomainPage | null
  /** Its DNS does not point at Vercel, so no user sees production there. */
  misdirected: boolean
}

async function stateOf(domain: string, context: VercelContext, signal: AbortSignal): Promise<DomainState> {
  const { vercel } = context
  const [deployment, page] = await Promise.all([
    vercel.deploymentOf(domain, signal).catch((error: unknown) => unknownLead(error, signal)),
    domain.startsWith('*') ? null : askDomain(domain, context, signal)
  ])
  const silent = page !== null && page.status === undefined
  return { domain, deployment, page, misdirected: silent && (await vercel.isMisdirected(domain, signal)) }
}

function identity(project: Project, rolling: Rolling | null, release: Release): Check {
  const serving = project.targets?.production?.id ?? 'none'
  const half = rolling && rolling.canary !== release.id
  return {
    id: 'production',
    title: 'The planned deployment is production',
    status: serving === release.id && !half ? 'pass' : 'fail',
    detail: `the production deployment is ${serving}${rolling ? `, and ${rolling.canary} is being rolled out to ${shareOf(rolling)}` : ''}`
  }
}

const leads = ({ domain, deployment, misdirected }: DomainState, release: Release): Check => ({
  id: `alias:${domain}`,
  title: `${domain} leads to it`,
  status: deployment === release.id ? 'pass' : deployment === null ? 'unknown' : 'fail',
  detail: `${deployment ? `it leads to ${deployment}` : 'Vercel does not say where it leads'}${misdirected ? '; its DNS does not point at Vercel, so its page was not checked' : ''}`
})

/** The aliases that were to move with production, as the plan found them. */
const aliasesIn = ({ details }: Release): string[] =>
  [details?.aliases ?? []].flat().filter((one): one is string => typeof one === 'string')

/** An alias is no domain of the project, so where it leads elsewhere nothing is undone, and the rollback is not proven. */
async function aliasLeads(
  alias: string,
  { id }: Release,
  { vercel }: VercelContext,
  signal: AbortSignal
): Promise<Check> {
  const deployment = await vercel.deploymentOf(alias, signal).catch((error: unknown) => unknownLead(error, signal))
  const common = { id: `alias:${alias}`, title: `The alias ${alias} leads to it` }
  if (deployment === id) return { ...common, status: 'pass', detail: `it leads to ${id}` }
  const now = deployment ? `it leads to ${deployment}` : 'Vercel does not say where it leads'
  return { ...common, status: 'unknown', detail: `${now}; to move it: ${aliasCommand(id, alias)}` }
}

/** A page that names its deployment proves which one answers; one that names none shows only that it answers. */
function answers(
  { domain, page, misdirected }: DomainState,
  { id: wanted, details }: Release,
  anyServes: boolean
): Check[] {
  if (!page || misdirected) return []
  const id = `page:${domain}`
  const named = page.deployments.join(', ')
  if (named && !page.deployments.includes(wanted))
    return [{ id, title: `${domain} answers with it`, status: 'fail', detail: `${page.detail} and names ${named}` }]
  const { status, detail } = comparedWith(before(details, domain), page, anyServes)
  return named
    ? [{ id, title: `${domain} answers with it`, status, detail: `${detail} and names ${named}` }]
    : [{ id, title: `${domain} answers`, status, detail: `${detail}; it names no deployment` }]
}

/** The status that the domain had when the rollback was planned; null when it did not answer, undefined when it was not asked. */
function before(details: Release['details'], domain: string): number | null | undefined {
  const seen = details?.seen
  const status = seen && typeof seen === 'object' && !Array.isArray(seen) ? seen[domain] : undefined
  return typeof status === 'number' || status === null ? status : undefined
}

/** Where Vercel says nothing of one domain, the others are still checked. */
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
          detail: `${domains - mostDomains} more domains were not checked`
        }
      ]
