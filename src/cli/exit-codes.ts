import type { Answer } from '../tools/call-tool.ts'

/** A process's exit code for a tool's answer; the help lists them. */
export function exitCodeOf(answer: Answer): number {
  const error = answer.error as { fault?: string; code?: string } | undefined
  if (error) {
    if (error.code === 'not_unattended') return 6
    return { input: 2, config: 3, target: 4 }[error.fault ?? ''] ?? 70
  }
  if (answer.ok) return 0
  const word = String(answer.outcome ?? answer.verdict ?? '')
  return ['unverified', 'manual', 'inconclusive'].includes(word) ? 5 : 1
}
