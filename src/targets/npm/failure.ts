import type { Answer } from '../../http/answer.ts'
import { TooLarge } from '../../http/body.ts'
import { isTransient, networkReason } from '../../http/failure.ts'
import { ConfigError, messageOf, type RollbackError, TargetError } from '../../support/errors.ts'
import { tryOutsideJson } from '../../support/nesting.ts'
import { oneLine } from '../../support/text.ts'
import type { Logins } from './logins.ts'

/** A registry's answer that refuses a request. */
export class RegistryRefusal extends Error {
  readonly status: number
  /** Of its headers the challenge, '' without one. */
  readonly challenge: string
  readonly text: string
  /** The text as JSON; undefined when it is none. */
  readonly body: unknown

  constructor({ status, headers, body }: Answer) {
    super(`the registry answered ${status}`)
    this.status = status
    this.challenge = [headers['www-authenticate'] ?? []].flat().join(' ')
    this.text = body.toString('utf8', 0, 65_536)
    this.body = tryOutsideJson(this.text)
  }
}

export const statusOf = (error: unknown): number | undefined =>
  error instanceof RegistryRefusal ? error.status : undefined

/**
 * Says what a failed request means. `doing` names what was tried ("Reading my-package"), `state` what is so now, `withheld` why no login
 * went along, if so.
 * An error that was already explained, and the reason of an abort, are passed on as they are.
 */
export function explain(
  error: unknown,
  doing: string,
  registry: string,
  { state, withheld }: { state?: string; withheld?: Logins['withheld'] } = {}
): unknown {
  const parts = { what: `${doing} failed`, cause: error, ...(state && { state }) }
  if (error instanceof RegistryRefusal) return explainStatus(error, parts, withheld)
  if (error instanceof TooLarge)
    return new TargetError({
      ...parts,
      why: `${registry}: ${error.message}`,
      next: 'Check `config.registry` in deploy.json and `registry` in the npm configuration.',
      code: 'too_large'
    })
  if (!isNetworkFailure(error)) return error
  return new TargetError({
    ...parts,
    why: `the registry ${registry} cannot be reached (${networkReason(error)})`,
    next: 'Check that the registry is up and that this machine can reach it, then try again.',
    code: 'registry_down',
    retryable: true
  })
}

function explainStatus(
  refusal: RegistryRefusal,
  parts: { what: string; cause: unknown; state?: string },
  withheld?: Logins['withheld']
): RollbackError {
  const { status } = refusal
  const said = `the registry answered ${status}${reasonOf(refusal)}`
  const why = withheld && [401, 403, 404].includes(status) ? `${withheld.why}; ${said}` : said
  if (status === 401)
    return new ConfigError({
      ...parts,
      why,
      next: withheld?.next ?? 'Log in with `npm login` (or renew the token in your npmrc), then try again.',
      code: 'not_logged_in'
    })
  if (status === 403)
    return new TargetError({
      ...parts,
      why: withheld ? why : `${why}: this login lacks the right to do it`,
      next:
        withheld?.next ?? 'Use the login of a maintainer of the package, or a token with write access, then try again.',
      code: 'no_rights'
    })
  if (status === 404)
    return new TargetError({
      ...parts,
      why: `${why}: there is no such package, or ${withheld ? 'it needs a login' : 'this login cannot see it'}`,
      next: `Check the name and the registry. ${withheld?.next ?? 'Check the login with `npm whoami`, then try again.'}`,
      code: 'not_found'
    })
  if (status === 409)
    return new TargetError({
      ...parts,
      why: `${why}: someone else changed the package at the same moment`,
      next: 'Assess again.',
      code: 'conflict',
      retryable: true
    })
  return new TargetError({
    ...parts,
    why,
    next: status === 429 || status >= 500 ? 'Try again in a moment.' : 'Correct what the answer names, then try again.',
    code: status === 429 || status >= 500 ? 'registry_failing' : 'registry_refused',
    retryable: status === 429 || status >= 500
  })
}

function reasonOf({ body }: RegistryRefusal): string {
  const said = body && typeof body === 'object' && 'error' in body ? body.error : undefined
  return typeof said === 'string' ? ` (${oneLine(said, 120)})` : ''
}

/** The registry was not reached at all, or its certificate is not trusted, or it hung up. */
export const isNetworkFailure = (error: unknown): boolean =>
  isTransient(error) ||
  (error instanceof Error &&
    'code' in error &&
    /^(CERT_|DEPTH_|SELF_|UNABLE_|E[A-Z_]+$|ERR_(SOCKET|TLS|SSL|STREAM))/.test(String(error.code)))

/** One line about anything thrown, for a check or a note. */
export const inShort = (error: unknown): string => oneLine(messageOf(error), 200)
