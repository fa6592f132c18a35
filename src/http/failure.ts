import { ConfigError, messageOf, RollbackError, TargetError } from '../support/errors.ts'
import type { Mask } from '../support/mask.ts'
import { parseOutsideJson } from '../support/nesting.ts'
import { duration, oneLine, quoted } from '../support/text.ts'
import type { Said } from './answer.ts'
import { TooLarge } from './body.ts'

/** What a refusal means on a platform, where it is more than the status says. */
export type Meaning = (said: Said) => { why?: string; next?: string; code?: string } | undefined

/** What was tried, and what is so on the target when it fails. */
export interface Doing {
  doing: string
  state?: string
}

/** The cause of an error that an answer of the other side led to. */
class Refusal extends Error {
  readonly said: Said

  constructor(said: Said) {
    super(`status ${said.status}`)
    this.said = said
  }
}

/** The status that the other side answered with, of an error thrown by the client. */
export const statusOf = (error: unknown): number | undefined => saidBy(error)?.status

/** What the other side said, of an error thrown by the client. */
export const saidBy = (error: unknown): Said | undefined =>
  error instanceof RollbackError && error.cause instanceof Refusal ? error.cause.said : undefined

/** One line of what a platform gave as its reason: `message`, `error.message` or `error`, the usual places; '' when it gave none. */
export function reasonOf({ text }: Said): string {
  try {
    const body = parseOutsideJson(text) as Record<string, unknown> | null
    const inner =
      body?.error && typeof body.error === 'object' ? (body.error as Record<string, unknown>).message : body?.error
    const said = [body?.message, inner].find((one) => typeof one === 'string')
    return typeof said === 'string' ? oneLine(said, 160) : ''
  } catch {
    return ''
  }
}

/** What kept an answer away, in one line. A name with several addresses fails without a message of its own. */
export const networkReason = (error: unknown): string => oneLine(messageOf(error) || codeOf(error) || 'no reason given')

/** A failure without an answer. What already explains itself is passed on. */
export function explainNetwork(error: unknown, { doing, state }: Doing, service: string, mask: Mask): unknown {
  if (error instanceof RollbackError) return error
  const parts = { what: `${doing} failed`, ...(state && { state }), cause: error }
  if (error instanceof TooLarge)
    return new TargetError({
      ...parts,
      why: `${service}: ${error.message}`,
      next: 'Check the address of the API.',
      code: 'too_large'
    })
  const late = (error as Error).name === 'TimeoutError' || /_TIMEOUT$/.test(codeOf(error))
  return new TargetError({
    ...parts,
    why: `${service} ${late ? 'did not answer in time' : 'cannot be reached'} (${oneLine(mask.text(codeOf(error) || messageOf(error)), 100)})`,
    next: `Check that ${service} is up and that this machine can reach it, then try again.`,
    code: 'unreachable',
    retryable: true
  })
}

/** Failures that may be over in a moment: no connection, a connection that broke, no answer in time. */
export const isTransient = (error: unknown): boolean =>
  !(error instanceof RollbackError) &&
  !(error instanceof TooLarge) &&
  ((error as Error)?.name === 'TimeoutError' || /^(UND_ERR_|E[A-Z]+$)/.test(codeOf(error)))

function codeOf(error: unknown): string {
  const code = error && typeof error === 'object' && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** A refusal of the other side; `wait` is how long it asked to wait, where it did. */
export function explainStatus(
  said: Said,
  wait: number | null,
  { doing, state }: Doing,
  { service, meaning }: { service: string; meaning?: Meaning }
): RollbackError {
  const reason = reasonOf(said)
  const meant = meaning?.(said)
  const parts = {
    what: `${doing} failed`,
    why: meant?.why ?? `${service} answered ${said.status}${reason ? ` (${quoted(reason)})` : ''}`,
    ...(state && { state }),
    cause: new Refusal(said)
  }
  if (wait !== null)
    return new TargetError({
      ...parts,
      why: `${service} limits requests and asks to wait ${duration(wait)}${reason ? ` (${quoted(reason)})` : ''}`,
      next: `Try again in ${duration(wait)}.`,
      code: 'rate_limited',
      retryable: true
    })
  const usual = usualMeaning(said.status, service)
  const full = { ...parts, next: meant?.next ?? usual.next, code: meant?.code ?? usual.code }
  if (said.status === 401) return new ConfigError(full)
  return new TargetError({ ...full, retryable: said.status === 409 || said.status >= 500 })
}

function usualMeaning(status: number, service: string): { next: string; code: string } {
  if (status === 401) return { next: `Provide a valid ${service} token, then try again.`, code: 'not_logged_in' }
  if (status === 403) return { next: 'Use a token that has this right, then try again.', code: 'no_rights' }
  if (status === 404)
    return { next: 'Check the names in deploy.json, and that the token can read them.', code: 'not_found' }
  if (status === 409)
    return { next: 'Assess again: something else made a change at the same moment.', code: 'conflict' }
  if (status >= 500) return { next: 'Try again in a moment.', code: 'failing' }
  return { next: 'Correct what the answer names, then try again.', code: 'refused' }
}
