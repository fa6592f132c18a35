import type { DockerContext } from '../context.ts'
import { howToVouch } from '../engine/vouched.ts'
import { parseReference, splitRepository } from '../objects/reference.ts'
import { isWithheld, type Login } from './credentials.ts'
import { askForManifest, limitIn } from './http.ts'
import type { Lookup } from './lookup.ts'

export type Trouble = Exclude<Lookup['state'], 'there'>

export interface Refusal {
  why: string
  next: string
}

export interface Refused {
  /** `repository:tag` or `repository@digest`. */
  reference: string
  state: Trouble
  reason: string
}

/** What a registry's refusal means for the person: whose login it was, and how to renew it. */
export async function refusalOf(
  docker: DockerContext,
  login: Login,
  { reference, state, reason }: Refused,
  signal: AbortSignal
): Promise<Refusal> {
  const repository = parseReference(reference)?.repository ?? reference
  const { registry, path } = splitRepository(repository)
  const logIn = howToLogIn(registry, login, docker.env)
  const said = state === 'denied' || state === 'rate_limited' ? await askAgain(docker, login, reference, signal) : null
  if (state === 'denied' && isWithheld(docker.engine, login) && !said?.loginRefused)
    return {
      why: `the login ${login.from} was not sent to the engine at ${docker.engine.address}, which only deploy.json names: ${reason}`,
      next: howToVouch(docker.engine.address)
    }
  if (state === 'denied' && login.from && !(said?.loginRefused ?? !isAboutRights(reason)))
    return {
      why: `the registry ${registry} accepts the login ${login.from} but does not let it pull ${path}, or the repository does not exist: ${reason}`,
      next: `Give it access to ${path}, or log in as a user with access: ${logIn}. Then assess again.`
    }
  if (state === 'denied')
    return {
      why: login.from
        ? `the registry ${registry} refuses the login ${login.from}, which is wrong or has expired: ${reason}`
        : `the registry ${registry} asks for a login, and ${login.file ?? 'the Docker configuration'} has none for it: ${reason}`,
      next: `Log in again: ${logIn}. Then assess again.`
    }
  if (state === 'rate_limited')
    return {
      why: `the registry ${registry} answers "too many requests" to ${login.from ? `the login ${login.from}` : 'requests without a login'}: ${reason}${said?.limit ? ` (${said.limit})` : ''}`,
      next: login.from
        ? 'Wait until the limit is lifted, then assess again.'
        : `Log in for a higher limit (${logIn}), or wait until it is lifted. Then assess again.`
    }
  if (state === 'unreachable')
    return {
      why: `the registry ${registry} cannot be reached: ${reason}`,
      next: 'Restore access to the registry, or choose a version whose image is on the engine.'
    }
  return { why: reason, next: 'Build and push it again, or choose another version.' }
}

/** An engine passes on neither what became of the login, which it may go without, nor when to try again: the registry is asked for that. */
async function askAgain(
  { env, mask, clock }: DockerContext,
  { credentials }: Login,
  reference: string,
  signal: AbortSignal
): Promise<{ loginRefused: boolean; limit: string | null } | null> {
  const asked = await askForManifest(reference, credentials, { env, mask, signal })
  return asked && { loginRefused: asked.loginRefused, limit: limitIn(asked.answer.headers, clock.now()) }
}

/** Registries say "denied" of rights (OCI distribution-spec, "Error Codes"), and "unauthorized" of who one is. */
const isAboutRights = (reason: string): boolean =>
  /denied|insufficient.scope|forbidden/i.test(reason) && !/incorrect username|authentication required/i.test(reason)

/** Helpers whose logins come from elsewhere than `docker login`. */
const renewals: Record<string, string> = {
  'ecr-login': 'renew the AWS credentials that it uses, as with aws sso login',
  gcloud: 'gcloud auth login'
}

function howToLogIn(registry: string, { helper }: Login, env: NodeJS.ProcessEnv): string {
  const renewal = helper ? renewals[helper] : undefined
  if (renewal) return renewal
  const folder = env.DOCKER_CONFIG ? `DOCKER_CONFIG=${env.DOCKER_CONFIG} ` : ''
  return `${folder}docker login${registry === 'docker.io' ? '' : ` ${registry}`}`
}
