import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Observation, Risk } from '../../model/observation.ts'
import { fingerprint } from '../../support/canonical.ts'
import type { Rolling, Vercel } from './api.ts'
import { askDomains, healthOf, seenOf } from './health.ts'
import type { Asking } from './page.ts'
import { releasesOf } from './releases.ts'
import { servingOf, shareOf } from './rolling-release.ts'
import type { Deployment } from './shapes.ts'

/** What Vercel says of the project, now. */
export async function observe(
  vercel: Vercel,
  history: readonly DeploymentRecord[],
  asking: Asking,
  signal: AbortSignal
): Promise<Observation> {
  const [project, rolling, { items, more }, domains] = await Promise.all([
    vercel.readProject(signal),
    vercel.rollingRelease(signal),
    vercel.productionDeployments(signal),
    vercel.productionDomains(signal)
  ])
  const serving = servingOf(project, rolling)
  const [pages, deployments] = await Promise.all([
    askDomains(domains, asking, signal),
    withServing(vercel, items, serving, signal)
  ])
  const releases = releasesOf({ deployments, serving, rolling, history, seen: seenOf(pages) })
  const pinned = project.autoAssignCustomDomains === false
  return {
    current: releases.find(({ id }) => id === serving) ?? null,
    health: healthOf(pages),
    releases: releases.filter(({ id }) => id !== serving),
    risks: buildRisks(items, pinned),
    blockers: [],
    fingerprint: fingerprint({
      project: project.id,
      serving,
      pinned,
      domains: [...domains].sort(),
      rolling: rolling && { base: rolling.base, canary: rolling.canary }
    }),
    notes: [
      ...(more ? ['Vercel has older deployments than those that were looked at.'] : []),
      ...(rolling ? [rollingNote(rolling)] : []),
      ...(pinned
        ? ['Production domains are pinned: new deployments are built and not assigned, since an earlier rollback.']
        : [])
    ]
  }
}

/** Production may be older than all that is listed. */
async function withServing(
  vercel: Vercel,
  items: readonly Deployment[],
  serving: string | null,
  signal: AbortSignal
): Promise<Deployment[]> {
  if (serving === null || items.some(({ uid }) => uid === serving)) return [...items]
  const one = await vercel.readDeployment(serving, signal)
  return one ? [...items, one] : [...items]
}

const rollingNote = (rolling: Rolling): string =>
  `A rolling release is under way: ${rolling.canary} serves ${shareOf(rolling)}, ${rolling.base ?? 'the former one'} the rest. Going back to that one aborts it.`

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
