import type { Diagnosis, Evidence } from '../../model/diagnosis.ts'
import { messageOf, RollbackError } from '../../support/errors.ts'
import { capTail, oneLine, plain, quoted } from '../../support/text.ts'
import type { Vercel } from './api.ts'
import type { VercelContext } from './context.ts'
import { askDomains, healthOf } from './health.ts'
import type { DomainPage } from './page.ts'
import { commitOf, wasProduction } from './releases.ts'
import { servingOf, shareOf } from './rolling-release.ts'
import type { Deployment } from './shapes.ts'

const mostBuilds = 5
const readBuilds = 2
const mostOfLog = 6000

/** What Vercel says of the production deployment and of builds that failed. */
export async function diagnose(context: VercelContext, signal: AbortSignal): Promise<Diagnosis> {
  const { vercel } = context
  const [project, rolling, { items }, domains] = await Promise.all([
    vercel.readProject(signal),
    vercel.rollingRelease(signal),
    vercel.productionDeployments(signal),
    vercel.productionDomains(signal)
  ])
  const pages = await askDomains(domains, context, signal)
  const id = servingOf(project, rolling)
  const serving = items.find(({ uid }) => uid === id)
  const failed = items.filter(({ state, readyState }) => (state ?? readyState) === 'ERROR').slice(0, mostBuilds)
  const builds = await Promise.all(failed.slice(0, readBuilds).map((build) => readBuild(vercel, build, signal)))
  return {
    findings: [
      ...(pages.length > 0 ? pages.map(({ detail }) => detail) : [healthOf(pages).message]),
      serving
        ? `the production deployment is ${named(serving)}`
        : id
          ? `the production deployment is ${id}`
          : 'nothing is in production',
      ...(rolling ? [`it is being rolled out and serves ${shareOf(rolling)}`] : []),
      ...builds.map(({ finding }) => finding),
      ...failed.slice(readBuilds).map((build) => `the production build ${named(build)} failed`)
    ],
    events: items.slice(0, 20).map((deployment) => ({
      at: new Date(
        typeof deployment.aliasAssigned === 'number' ? deployment.aliasAssigned : deployment.created
      ).toISOString(),
      text: `Deployment ${named(deployment)} ${wasProduction(deployment) ? 'became production' : `is ${deployment.state ?? deployment.readyState}`}`,
      source: 'Vercel'
    })),
    evidence: [...pages.flatMap(shown), ...builds.flatMap(({ evidence }) => evidence)]
  }
}

interface Build {
  finding: string
  evidence: Evidence[]
}

/** Without its log, what else is known of a build is still reported. */
async function readBuild(vercel: Vercel, build: Deployment, signal: AbortSignal): Promise<Build> {
  const said = `the production build ${named(build)} failed`
  try {
    const [one, log] = await Promise.all([vercel.readDeployment(build.uid, signal), vercel.buildLog(build.uid, signal)])
    const why = [one?.errorCode, one?.errorMessage].filter(Boolean).join(': ')
    const text = capTail(log.map(plain).join('\n'), mostOfLog)
    return {
      finding: why ? `${said}: ${quoted(why, 200)}` : said,
      evidence: text ? [{ title: `The end of the build log of ${build.uid}`, source: 'Vercel, build log', text }] : []
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof RollbackError)) throw error
    return { finding: `${said}; its log cannot be read (${oneLine(messageOf(error), 160)})`, evidence: [] }
  }
}

/** The text of an error page often names its cause. */
const shown = ({ domain, state, text, status }: DomainPage): Evidence[] =>
  text && (state === 'down' || state === 'degraded')
    ? [{ title: `What ${domain} answers (${status})`, source: `https://${domain}`, text: plain(text) }]
    : []

const named = (deployment: Deployment): string => {
  const commit = commitOf(deployment)
  return `${deployment.uid}${commit ? ` (commit ${commit.slice(0, 12)})` : ''}`
}
