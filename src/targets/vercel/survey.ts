import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Health, HealthState, Risk, Survey } from '../../model/survey.ts'
import type { Vercel } from './api.ts'
import { askDomain } from './page.ts'
import { releasesOf, wasProduction } from './releases.ts'
import type { Deployment } from './shapes.ts'

/** What Vercel says of the project, now. */
export async function survey(
  vercel: Vercel,
  history: readonly DeploymentRecord[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal
): Promise<Survey> {
  const [project, { items, more }, domains] = await Promise.all([
    vercel.readProject(signal),
    vercel.productionDeployments(signal),
    vercel.productionDomains(signal)
  ])
  const serving = project.targets?.production?.id ?? null
  const releases = releasesOf(
    items.filter((one) => wasProduction(one) || one.uid === serving),
    history
  )
  const pinned = project.autoAssignCustomDomains === false
  return {
    current: releases.find(({ id }) => id === serving) ?? null,
    health: await healthOf(domains, env, signal),
    releases: releases.filter(({ id }) => id !== serving),
    risks: buildRisks(items, pinned),
    blockers: [],
    fingerprint: { project: project.id, serving, pinned, domains: [...domains].sort() },
    notes: [
      ...(more ? ['Vercel has older deployments than those that were looked at.'] : []),
      ...(pinned
        ? ['Production domains are pinned: new deployments are built and not assigned, since an earlier rollback.']
        : [])
    ]
  }
}

const worst: HealthState[] = ['down', 'degraded', 'unknown', 'healthy']

async function healthOf(domains: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Health> {
  const pages = await Promise.all(domains.slice(0, 10).map((domain) => askDomain(domain, env, signal)))
  const first = pages.sort((a, b) => worst.indexOf(a.state) - worst.indexOf(b.state))[0]
  return first
    ? { state: first.state, message: first.detail }
    : { state: 'unknown', message: 'the project has no production domain' }
}

/** A build that is under way takes the domains when it ends, unless they are pinned. */
const buildRisks = (deployments: readonly Deployment[], pinned: boolean): Risk[] =>
  pinned
    ? []
    : deployments
        .filter(({ state, readyState }) => ['QUEUED', 'BUILDING', 'INITIALIZING'].includes(state ?? readyState ?? ''))
        .map(({ uid, state, readyState }) => ({
          id: `build_under_way:${uid}`,
          serious: false,
          title: `The production build ${uid} is under way (${state ?? readyState})`,
          detail:
            'After an instant rollback it is built and not assigned; should it end before the rollback, the plan is stale.'
        }))
