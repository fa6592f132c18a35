import type { Blocker, Risk } from '../../model/observation.ts'
import { blockedBy, type Objections } from '../../model/plan.ts'
import type { Membership } from './api.ts'

/** Roles that change nothing of a project (vercel.com/docs/rbac/access-roles). */
const readOnlyRoles = new Set(['VIEWER', 'VIEWER_FOR_PLUS', 'BILLING', 'SECURITY'])

/** "Full Production Deployment" is the right to roll back (vercel.com/docs/rbac/access-roles/extended-permissions). */
const right = 'FullProductionDeployment'
const rolesWithTheRight = new Set(['OWNER', 'MEMBER'])

/** Whether the token's owner may roll back. Where a project's own roles decide, it is a risk: a refusal would change nothing. */
export function mayRollBack(membership: Membership | 'unknown' | null): Objections {
  if (membership === null) return blockedBy()
  if (membership === 'unknown')
    return { blockers: [], risks: [unsure('Vercel does not report the role of the token’s owner in the team')] }
  const { role, permissions } = membership
  if (rolesWithTheRight.has(role) || permissions?.includes(right)) return blockedBy()
  if (readOnlyRoles.has(role))
    return blockedBy(mayNot(`its owner has the role ${role} in the team, which is read-only`))
  if (role === 'DEVELOPER' && permissions)
    return blockedBy(
      mayNot(`its owner has the role ${role} in the team without the permission "Full Production Deployment"`)
    )
  return {
    blockers: [],
    risks: [unsure(`its owner has the role ${role} in the team; the project decides whether that role may roll back`)]
  }
}

const mayNot = (why: string): Blocker => ({
  id: 'role_too_small',
  what: 'The token may not roll back',
  why,
  next: 'Use the token of an owner or member of the team, or ask an owner for the permission.'
})

const unsure = (why: string): Risk => ({
  id: 'role_unsure',
  serious: false,
  title: 'The token may lack the right to roll back',
  detail: `${why}. If Vercel refuses, nothing changes.`
})
