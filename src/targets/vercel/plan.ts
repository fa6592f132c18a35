import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import type { Blocker, Survey } from '../../model/survey.ts'
import type { Vercel } from './api.ts'
import { wasProduction } from './releases.ts'

/** The one step to a former production deployment: Vercel's instant rollback. */
export async function plan(
  vercel: Vercel,
  { current }: Survey,
  release: Release,
  signal: AbortSignal
): Promise<PlanDraft> {
  const [{ items }, role] = await Promise.all([vercel.productionDeployments(signal), vercel.roleInTeam(signal)])
  const deployment = items.find(({ uid }) => uid === release.id)
  const { api, project, team } = vercel
  const step: Step = {
    id: 'rollback',
    kind: 'rollback',
    phase: 'cure',
    title: `Pointing production at ${release.version}`,
    params: { api, project, team, from: current?.id ?? null, to: release.id },
    undo: current ? `Promote ${current.version} again, which also assigns new deployments again` : null,
    byHand: [`vercel rollback ${release.id}`],
    ...(current && { undoByHand: [`vercel promote ${current.id}`] })
  }
  return {
    steps: [step],
    risks: [],
    blockers: [
      ...(deployment && wasProduction(deployment) && deployment.isRollbackCandidate !== false ? [] : [gone(release)]),
      ...(role && readOnlyRoles.has(role) ? [mayNot(role)] : [])
    ],
    fingerprint: { deployment: release.id, candidate: deployment?.isRollbackCandidate ?? null },
    notes: [
      'Afterwards Vercel no longer assigns production domains to new deployments. To end that, promote the fixed deployment (vercel promote) or undo the rollback in the dashboard.',
      'Environment variables are those of the former build; cron jobs go back to its definitions.'
    ]
  }
}

/** Roles that change nothing of a project (vercel.com/docs/rbac/access-roles); a contributor's depends on the project. */
const readOnlyRoles = new Set(['VIEWER', 'VIEWER_FOR_PLUS', 'BILLING', 'SECURITY'])

const mayNot = (role: string): Blocker => ({
  id: 'role_too_small',
  what: 'The token may not roll back',
  why: `its owner has the role ${role} in the team, which may only look`,
  next: 'Use the token of an owner or member of the team.'
})

const gone = ({ version, id, available }: Release): Blocker => ({
  id: `deployment_gone:${id}`,
  what: `${version} can no longer be rolled back to`,
  why: available.reason ?? `Vercel has no production deployment ${id} that it offers for a rollback`,
  next: 'Choose another version; on the Hobby plan only the previous production deployment is offered.'
})
