import type { Blocker, Observation } from '../../model/observation.ts'
import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import { fingerprint } from '../../support/canonical.ts'
import type { Rolling } from './api.ts'
import type { VercelContext } from './context.ts'
import { moveAlias } from './move-alias.ts'
import type { VercelState } from './observe.ts'
import { wasProduction } from './releases.ts'
import { mayRollBack } from './rights.ts'
import { rollback } from './rollback.ts'
import { isPinned, shareOf } from './rolling-release.ts'

/** Vercel's instant rollback, which also aborts a rolling release, then each alias that it leaves. */
export async function plan(
  context: VercelContext,
  { current }: Observation,
  { project, rolling, deployments, aliases }: VercelState,
  release: Release,
  signal: AbortSignal
): Promise<PlanDraft> {
  const deployment = deployments.find(({ uid }) => uid === release.id)
  const isBase = rolling?.base === release.id
  const offered = deployment && wasProduction(deployment) && release.available.state === 'yes'
  const { vercel } = context
  const { api, team } = vercel
  const place = { api, project: vercel.project, team }
  const params = {
    ...place,
    from: current?.id ?? null,
    to: release.id,
    pinned: isPinned(project),
    rolling: rolling !== null
  }
  const move = { from: current, to: release }
  const rights = mayRollBack(await vercel.membership(signal))
  return {
    steps: [
      rollback.plan(context, params, move),
      ...(current && aliases
        ? aliases.map((alias) => moveAlias.plan(context, { ...place, alias, from: current.id, to: release.id }, move))
        : [])
    ],
    risks: rights.risks,
    blockers: [
      ...(rolling && !isBase ? [abortFirst(rolling)] : []),
      ...(offered || isBase ? [] : [gone(release)]),
      ...rights.blockers
    ],
    fingerprint: fingerprint({ deployment: release.id, candidate: deployment?.isRollbackCandidate ?? null }),
    notes: [
      'After the rollback Vercel no longer assigns production domains to new deployments. To end that, promote the fixed deployment (vercel promote) or undo the rollback in the dashboard.',
      ...(project.microfrontends?.enabled
        ? [
            'The project is one of a group of microfrontends: the rollback moves only this one, and the others stay at their deployments.'
          ]
        : []),
      'Environment variables are those of the former build; cron jobs go back to its definitions.'
    ]
  }
}

const abortFirst = (rolling: Rolling): Blocker => ({
  id: 'rolling_release',
  what: 'A rolling release is active',
  why: `${rolling.canary} serves ${shareOf(rolling)}, and a rollback to any other deployment than ${rolling.base ?? 'its base'} would leave it half finished`,
  next: `Roll back to ${rolling.base ?? 'the deployment that serves the rest'} first, which aborts the rolling release. Then assess again.`
})

const gone = ({ version, id, available }: Release): Blocker => ({
  id: `deployment_gone:${id}`,
  what: `A rollback to ${version} is no longer possible`,
  why: available.reason ?? `Vercel does not offer the production deployment ${id} for a rollback`,
  next: 'Choose another version; on the Hobby plan only the previous production deployment is offered.'
})
