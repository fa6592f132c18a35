import type { Blocker } from '../../model/observation.ts'
import { blockedBy, type Objections } from '../../model/plan.ts'
import { type RollbackError, TargetError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { NpmContext } from './context.ts'
import { type Packument, personName } from './packument.ts'
import type { NpmSettings } from './settings.ts'

/** Whether this login may move tags, as far as it can be known without writing. */
export async function rightsOf(
  { registry, settings, env }: NpmContext,
  packument: Packument,
  signal: AbortSignal
): Promise<Objections> {
  if (!registry.hasCredentials()) return blockedBy(notLoggedIn(settings, env))
  let user: string | null
  try {
    user = await registry.whoami(signal)
  } catch (error) {
    signal.throwIfAborted()
    return blockedBy(loginRefused(settings, error as RollbackError))
  }
  if (!user) return unknown(settings, 'the registry does not say whose login this is')
  const collaborators = await registry.collaborators(signal)
  const right = collaborators?.[user]
  if (right) return /write/.test(right) ? blockedBy() : blockedBy(readOnly(settings, user))
  if (collaborators && Object.keys(collaborators).length > 0) return blockedBy(readOnly(settings, user))
  const maintainers = packument.maintainers?.map(personName) ?? []
  if (maintainers.includes(user)) return blockedBy()
  return unknown(settings, `the registry does not report whether ${oneLine(user, 60)} may write`)
}

const unknown = ({ name }: NpmSettings, why: string): Objections => ({
  blockers: [],
  risks: [
    {
      id: 'rights_unknown',
      serious: false,
      title: 'Whether this login may move the tag is unknown',
      detail: `${name}: ${why}. Without the right, the first step fails and nothing changes.`
    }
  ]
})

/** Trusted publishing lets a CI job publish, and not move tags (npm/cli#8547). */
function notLoggedIn({ registry, logins: { withheld } }: NpmSettings, env: NodeJS.ProcessEnv): Blocker {
  if (withheld) return { id: 'not_logged_in', what: `There is no login for ${registry}`, ...withheld }
  const trusted = Boolean(env.ACTIONS_ID_TOKEN_REQUEST_URL || env.NPM_ID_TOKEN)
  return {
    id: 'not_logged_in',
    what: `There is no login for ${registry}`,
    why: `the npm configuration holds no credentials for it${trusted ? '; trusted publishing (OIDC) of this job can publish, but cannot move dist-tags' : ''}`,
    next: trusted
      ? 'Give the job a granular access token with write access to the package, or run the rollback on a machine with a login.'
      : `Run \`npm login --registry=${registry}\`, then assess again.`
  }
}

const loginRefused = ({ registry }: NpmSettings, error: RollbackError): Blocker => ({
  id: error instanceof TargetError ? 'registry_down' : 'login_refused',
  what: `The login for ${registry} cannot be used`,
  why: error.why ?? 'it was refused',
  next: error.next ?? `Run \`npm login --registry=${registry}\`, then assess again.`
})

const readOnly = ({ name }: NpmSettings, user: string): Blocker => ({
  id: 'no_rights',
  what: `${oneLine(user, 60)} may not change ${name}`,
  why: 'the registry does not list this user among those with write access to the package',
  next: `Log in as a maintainer, or ask one to run \`npm owner add ${oneLine(user, 60)} ${name}\`, then assess again.`
})
