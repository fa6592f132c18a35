import { InputError, RollbackError, TargetError } from './errors.ts'

/** What was cut short before anything was begun, as an error for people: the caller wanted out, or time was up. Any other error stays. */
export function explainAbort(error: unknown, cancelled: AbortSignal): unknown {
  if (error instanceof RollbackError) return error
  if (cancelled.aborted && (error === cancelled.reason || isAbort(error)))
    return new InputError({
      what: 'The call was cancelled',
      why: 'the caller wanted out before anything was begun',
      next: 'Call it again when you are ready.',
      code: 'cancelled',
      cause: error
    })
  if (!isAbort(error)) return error
  return new TargetError({
    what: 'The target did not answer in time',
    why: 'the time that this may take was over before the target had told what is asked of it',
    next: 'Look whether the target, and the way to it, is slow or down; then try again.',
    code: 'timeout',
    retryable: true,
    cause: error
  })
}

const isAbort = (error: unknown): boolean =>
  error instanceof Error && (['AbortError', 'TimeoutError'].includes(error.name) || isAbort(error.cause))
