import type { Blocker, Risk } from '../../model/observation.ts'

/** Roles of a team that publish nothing (docs.netlify.com, "Roles and permissions"). */
const readOnlyRoles = /^(reviewer|git[ _-]contributor|billing[ _-]admin)$/i

interface Rights {
  blockers: Blocker[]
  risks: Risk[]
}

/** Whether the token's owner may publish deploys, as far as the team says; a role that is not told is no sign of anything. */
export const mayPublish = (role: string | null): Rights =>
  role !== null && readOnlyRoles.test(role)
    ? {
        blockers: [
          {
            id: 'role_too_small',
            what: 'The token may not publish deploys',
            why: `its owner has the role ${role} in the team that owns the site`,
            next: 'Use the token of an owner or developer of the team.'
          }
        ],
        risks: []
      }
    : { blockers: [], risks: [] }
