import type { Observation, Risk } from '../../model/observation.ts'
import { fingerprint } from '../../support/canonical.ts'
import type { Observed } from '../target.ts'
import { addedAliases } from './aliases.ts'
import type { Rolling, Vercel } from './api.ts'
import type { VercelContext } from './context.ts'
import { askDomains, healthOf, seenOf } from './health.ts'
import { releasesOf } from './releases.ts'
import { isPinned, servingOf, shareOf } from './rolling-release.ts'
import type { Deployment, Project } from './shapes.ts'

export interface VercelState {
  project: Project
  rolling: Rolling | null
  /** Production deployments, the one that serves among them. */
  deployments: Deployment[]
  /** Names that lead to it and are no domains of the project; null where Vercel does not tell. */
  aliases: string[] | null
}

/** What Vercel says of the project, now. */
export async function observe(context: VercelContext, signal: AbortSignal): Promise<Observed<VercelState>> {
  const { vercel, history } = context
  const [project, rolling, { items, more }, domains] = await Promise.all([
    vercel.readProject(signal),
    vercel.rollingRelease(signal),
    vercel.productionDeployments(signal),
    vercel.productionDomains(signal)
  ])
  const serving = servingOf(project, rolling)
  const [pages, aliases, deployments] = await Promise.all([
    askDomains(domains, context, signal),
    serving ? addedAliases(vercel, serving, domains, signal) : [],
    withServing(vercel, items, serving, signal)
  ])
  const releases = releasesOf({ deployments, serving, rolling, history, seen: seenOf(pages), aliases: aliases ?? [] })
  const pinned = isPinned(project)
  const observation: Observation = {
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
      aliases,
      rolling: rolling && { base: rolling.base, canary: rolling.canary }
    }),
    notes: [
      ...(more ? ['Vercel has older deployments than those that were read.'] : []),
      ...(rolling ? [rollingNote(rolling)] : []),
      ...aliasNotes(aliases),
      ...(pinned
        ? ['Since an earlier rollback, Vercel builds new deployments without assigning the production domains to them.']
        : [])
    ]
  }
  return { observation, state: { project, rolling, deployments, aliases } }
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

function aliasNotes(aliases: readonly string[] | null): string[] {
  if (!aliases)
    return [
      'Vercel did not say which other aliases lead to the production deployment; check them with `vercel alias ls`.'
    ]
  return aliases.length > 0
    ? [
        `No domains of the project, but aliases that lead to the production deployment, and move with it: ${aliases.join(', ')}.`
      ]
    : []
}

const rollingNote = (rolling: Rolling): string =>
  `A rolling release is active: ${rolling.canary} serves ${shareOf(rolling)}, ${rolling.base ?? 'the former deployment'} serves the rest. A rollback to the latter aborts the rolling release.`

/** A running build takes the domains when it ends, unless they are pinned. */
const buildRisks = (deployments: readonly Deployment[], pinned: boolean): Risk[] =>
  pinned
    ? []
    : deployments
        .filter(({ state, readyState }) => ['QUEUED', 'BUILDING', 'INITIALIZING'].includes(state ?? readyState ?? ''))
        .map(({ uid, state, readyState }) => ({
          id: `build_under_way:${uid}`,
          serious: false,
          title: `The production build ${uid} is running (${state ?? readyState})`,
          detail:
            'After an instant rollback it is built and gets no domains. If it ends before the rollback, the plan is out of date.'
        }))
