import { messageOf, RollbackError } from '../support/errors.ts'
import type { NextCall } from '../tools/define-tool.ts'

const faults = {
  input: 'Not possible as asked',
  config: 'Configuration or login',
  target: 'The target refused or failed'
} as const

/** An error as every host and shell shows it: what, why, state, next. The one place that renders errors. */
export function renderError(error: unknown): { summary: string; next: NextCall[]; error: Record<string, unknown> } {
  const known = error instanceof RollbackError ? error : null
  const parts = known ?? {
    fault: 'program' as const,
    code: 'unexpected',
    what: 'The program failed',
    why: messageOf(error),
    state: 'Unknown; assess before anything else.',
    next: 'Call assess_rollback to see the state. This is a fault of the program: please report it.',
    retryable: false
  }
  const heading = known ? faults[known.fault] : 'A fault of this program'
  return {
    summary: [
      `${heading}: ${parts.what}`,
      `Why: ${parts.why}`,
      `State: ${parts.state}`,
      `Next: ${parts.next}`,
      ...(parts.retryable ? ['It may be tried again.'] : [])
    ].join('\n'),
    next: [],
    error: {
      fault: parts.fault,
      code: parts.code,
      what: parts.what,
      why: parts.why,
      state: parts.state,
      next: parts.next,
      retryable: parts.retryable
    }
  }
}
