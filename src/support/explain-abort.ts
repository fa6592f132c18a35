import { InputError, RollbackError, TargetError } from './errors.ts'

/** Turns an abort before the start of a rollback into an error for people: cancelled, or out of time. Any other error stays. */
export function explainAbort(error: unknown, cancelled: AbortSignal): unknown {
  if (error instanceof RollbackError) return error
  if (cancelled.aborted && (error === cancelled.reason || isAbort(error)))
    return new InputError({
      what: 'The call was cancelled',
      why: 'the caller cancelled it before anything was changed',
      next: 'Call it again when you are ready.',
      code: 'cancelled',
      cause: error
    })
  if (!isAbort(error)) return error
  return new TargetError({
    what: 'The target did not answer in time',
    why: 'the time limit passed before the target had answered',
    next: 'Check that the target and the network are up, then try again.',
    code: 'timeout',
    retryable: true,
    cause: error
  })
}

/** Thrown because a signal was aborted, or caused by that. */
export const isAbort = (error: unknown): boolean =>
  error instanceof Error && (['AbortError', 'TimeoutError'].includes(error.name) || isAbort(error.cause))
