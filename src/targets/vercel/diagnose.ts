import type { Diagnosis } from '../../model/diagnosis.ts'
import type { Vercel } from './api.ts'
import { askDomain } from './page.ts'
import { commitOf, wasProduction } from './releases.ts'
import type { Deployment } from './shapes.ts'

/** What Vercel tells of the production deployment and of builds that failed. */
export async function diagnose(vercel: Vercel, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Diagnosis> {
  const [project, { items }, domains] = await Promise.all([
    vercel.readProject(signal),
    vercel.productionDeployments(signal),
    vercel.productionDomains(signal)
  ])
  const pages = await Promise.all(domains.slice(0, 5).map((domain) => askDomain(domain, env, signal)))
  const serving = items.find(({ uid }) => uid === project.targets?.production?.id)
  const failed = items.filter(({ state, readyState }) => (state ?? readyState) === 'ERROR').slice(0, 5)
  return {
    findings: [
      ...pages.map(({ detail }) => detail),
      ...(serving ? [`the production deployment is ${named(serving)}`] : ['nothing is in production']),
      ...failed.map((deployment) => `the production build ${named(deployment)} failed`)
    ],
    events: items.slice(0, 20).map((deployment) => ({
      at: new Date(
        typeof deployment.aliasAssigned === 'number' ? deployment.aliasAssigned : deployment.created
      ).toISOString(),
      text: `Deployment ${named(deployment)} ${wasProduction(deployment) ? 'became production' : `is ${deployment.state ?? deployment.readyState}`}`,
      source: 'Vercel'
    })),
    evidence: []
  }
}

const named = (deployment: Deployment): string => {
  const commit = commitOf(deployment)
  return `${deployment.uid}${commit ? ` (commit ${commit.slice(0, 12)})` : ''}`
}
