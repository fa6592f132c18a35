import type { Answer } from '../render/answer.ts'

/** The exit code of a process for its answer; the help lists them. */
export function exitCodeOf({ ok, error, outcome, verdict }: Answer): number {
  if (error) return error.code === 'not_unattended' ? 6 : { input: 2, config: 3, target: 4, program: 70 }[error.fault]
  if (ok) return 0
  return ['unverified', 'manual', 'inconclusive'].includes(String(outcome ?? verdict)) ? 5 : 1
}
