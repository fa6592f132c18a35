import { ConfigError, messageOf, type RollbackError, TargetError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'

/** What goes wrong on the way to a registry, as its client throws it. */
interface HttpFailure {
  statusCode?: number
  code?: string
  type?: string
  headers?: Record<string, string[] | undefined>
  body?: unknown
}

export const asHttpFailure = (error: unknown): HttpFailure =>
  error && typeof error === 'object' ? (error as HttpFailure) : {}

export const statusOf = (error: unknown): number | undefined => asHttpFailure(error).statusCode

/**
 * Says what a failed request means. `doing` names what was tried ("Reading my-package"), `state` what is so now.
 * An error that was already explained, and the reason of an abort, are passed on as they are.
 */
export function explain(error: unknown, doing: string, registry: string, state?: string): unknown {
  const status = statusOf(error)
  const code = asHttpFailure(error).code
  if (status === undefined && !isNetworkFailure(error)) return error
  const parts = { what: `${doing} failed`, cause: error, ...(state && { state }) }
  if (status === undefined)
    return new TargetError({
      ...parts,
      why: `the registry ${registry} cannot be reached (${code})`,
      next: 'Look whether the registry is up and this machine may reach it, then try again.',
      code: 'registry_down',
      retryable: true
    })
  return explainStatus(status, `the registry answered ${status}${reasonOf(error)}`, parts)
}

function explainStatus(
  status: number,
  why: string,
  parts: { what: string; cause: unknown; state?: string }
): RollbackError {
  if (status === 401)
    return new ConfigError({
      ...parts,
      why,
      next: 'Log in with `npm login` (or renew the token in your npmrc), then try again.',
      code: 'not_logged_in'
    })
  if (status === 403)
    return new TargetError({
      ...parts,
      why: `${why}: this login has no right to do it`,
      next: 'Use the login of a maintainer of the package, or a token that may write, then try again.',
      code: 'no_rights'
    })
  if (status === 404)
    return new TargetError({
      ...parts,
      why: `${why}: there is no such package, or this login may not see it`,
      next: 'Check the name, the registry and the login (`npm whoami`), then try again.',
      code: 'not_found'
    })
  if (status === 409)
    return new TargetError({
      ...parts,
      why: `${why}: somebody else changed the package at the same moment`,
      next: 'Assess again.',
      code: 'conflict',
      retryable: true
    })
  return new TargetError({
    ...parts,
    why,
    next:
      status === 429 || status >= 500 ? 'Try again in a moment.' : 'Look at the answer, correct the cause, try again.',
    code: status === 429 || status >= 500 ? 'registry_failing' : 'registry_refused',
    retryable: status === 429 || status >= 500
  })
}

function reasonOf(error: unknown): string {
  const { body } = asHttpFailure(error)
  const said = body && typeof body === 'object' && 'error' in body ? body.error : undefined
  return typeof said === 'string' ? ` (${oneLine(said, 120)})` : ''
}

/** The other side was not reached at all, or hung up. */
export function isNetworkFailure(error: unknown): boolean {
  const { statusCode, code } = asHttpFailure(error)
  return (
    statusCode === undefined &&
    typeof code === 'string' &&
    /^(E[A-Z_]+|CERT_\w+|DEPTH_\w+|SELF_\w+|UNABLE_\w+|ERR_(SOCKET|TLS|SSL|STREAM)\w*|FETCH_ERROR)$/.test(code)
  )
}

/** One line about anything thrown, for a check or a note. */
export const inShort = (error: unknown): string => oneLine(messageOf(error), 200)
