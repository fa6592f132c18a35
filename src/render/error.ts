import { messageOf, RollbackError } from '../support/errors.ts'
import type { Mask } from '../support/mask.ts'
import type { NextCall } from '../support/next-call.ts'

const faults = {
  input: 'Not possible as asked',
  config: 'Configuration or login',
  target: 'The target refused or failed',
  program: 'A fault of this program'
} as const

export interface RenderedError {
  fault: keyof typeof faults
  code: string
  what: string
  why: string
  state: string
  next: string
  retryable: boolean
}

/** An error as every host and shell shows it: what, why, state, next. The one place that renders errors. */
export function renderError(
  thrown: unknown,
  mask: Mask
): { ok: false; summary: string; next: NextCall[]; error: RenderedError } {
  const error = mask.shown(partsOf(thrown))
  const { fault, what, why, state, next, retryable } = error
  const lines = [`${faults[fault]}: ${what}`, `Why: ${why}`, `State: ${state}`, `Next: ${next}`]
  return {
    ok: false,
    summary: [...lines, ...(retryable ? ['You can try again.'] : [])].join('\n'),
    next: callsOf(thrown),
    error
  }
}

const callsOf = (thrown: unknown): NextCall[] => (thrown instanceof RollbackError && thrown.call ? [thrown.call] : [])

function partsOf(thrown: unknown): RenderedError {
  if (thrown instanceof RollbackError) {
    const { fault, code, what, why, state, next, retryable } = thrown
    return { fault, code, what, why, state, next, retryable }
  }
  return {
    fault: 'program',
    code: 'unexpected',
    what: 'The program failed',
    why: messageOf(thrown),
    state: 'Unknown.',
    next: 'Assess the target to see its state, and report this fault.',
    retryable: false
  }
}
