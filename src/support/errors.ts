import type { NextCall } from './next-call.ts'

interface ErrorParts {
  /** What failed. */
  what: string
  why: string
  /** The state of the target now; "nothing was changed" where that is so. */
  state?: string
  /** What to do next. */
  next: string
  /** A stable word for programs. */
  code?: string
  cause?: unknown
  /** The call of a tool that does what is next. */
  call?: NextCall
}

/** An error for a tired person at 3 a.m.; the subclass says whose fault it is. */
export abstract class RollbackError extends Error {
  abstract readonly fault: 'input' | 'config' | 'target'
  readonly what: string
  readonly why: string
  readonly state: string
  readonly next: string
  readonly code: string
  readonly call: ErrorParts['call']
  readonly retryable: boolean = false

  constructor(parts: ErrorParts) {
    super(`${parts.what}: ${parts.why}`, { cause: parts.cause })
    this.name = new.target.name
    this.what = parts.what
    this.why = parts.why
    this.state = parts.state ?? 'Nothing was changed.'
    this.next = parts.next
    this.code = parts.code ?? 'error'
    this.call = parts.call
  }
}

/** The caller's input is wrong. */
export class InputError extends RollbackError {
  readonly fault = 'input'
}

/** deploy.json, credentials or the environment are wrong. */
export class ConfigError extends RollbackError {
  readonly fault = 'config'
}

/** The other side failed or refused. */
export class TargetError extends RollbackError {
  readonly fault = 'target'
  override readonly retryable: boolean

  constructor(parts: ErrorParts & { retryable?: boolean }) {
    super(parts)
    this.retryable = parts.retryable ?? false
  }
}

/** What the work gives, or what `otherwise` makes of its failure. @throws the signal's reason once that is aborted. */
export async function orElse<Result, Other>(
  signal: AbortSignal,
  work: Promise<Result>,
  otherwise: (error: unknown) => Other
): Promise<Result | Other> {
  try {
    return await work
  } catch (error) {
    signal.throwIfAborted()
    return otherwise(error)
  }
}

/** The message of anything thrown, for a sentence. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
