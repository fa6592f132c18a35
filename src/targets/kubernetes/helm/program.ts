import { TargetError } from '../../../support/errors.ts'
import type { Mask } from '../../../support/mask.ts'
import { quoteLine } from '../../../support/quote.ts'
import { type ProgramResult, runProgram } from '../../../support/run-program.ts'
import { oneLine, quoted } from '../../../support/text.ts'
import type { Connection } from '../client/connect.ts'
import { withoutValue } from '../client/failure.ts'

/** The helm program as it is called for one cluster. */
export interface HelmProgram {
  /** Null when it can be used; otherwise why not. Checked once. */
  unusable(signal: AbortSignal): Promise<string | null>
  /** Its major version, once it is known that it can be used. */
  major(): number
  /** @throws TargetError `helm_failed` with its message. */
  call(args: readonly string[], options: HelmCall): Promise<string>
}

export interface HelmCall {
  /** What is tried, for errors: "Reading the history of web". */
  doing: string
  namespace: string
  signal: AbortSignal
  limitMs?: number
  /** Gets each line of its debug output. */
  onLine?(line: string): void
}

const usualLimitMs = 30_000
const maxOutput = 32 * 1024 * 1024
const oldest = { major: 3, minor: 5 }
const notOnPath = 'the helm program is not on PATH'

/** Calls the helm program on PATH, against the cluster and with the login that this target uses. */
export function openHelmProgram(env: NodeJS.ProcessEnv, { files, context }: Connection, mask: Mask): HelmProgram {
  const [file, ...more] = files
  const reach = [
    ...(file && more.length === 0 ? ['--kubeconfig', file] : []),
    ...(file ? ['--kube-context', context] : [])
  ]
  let reason: string | null | undefined
  let major = 0
  return {
    major: () => major,
    async unusable(signal) {
      if (reason !== undefined) return reason
      const args = ['version', '--template', '{{.Version}}']
      const answer = await runProgram('helm', args, { env, signal, limitMs: usualLimitMs })
      const version = versionOf(answer.ok ? answer.stdout : '')
      major = version.major
      reason = answer.problem === 'cannot_run' ? notOnPath : tooOld(version)
      return reason
    },
    async call(args, { doing, namespace, signal, limitMs = usualLimitMs, onLine }) {
      const onErrorLine = onLine && ((line: string) => onLine(quoteLine(mask, line, 300)))
      const call = { env, signal, limitMs, maxOutput, ...(onErrorLine && { onErrorLine }) }
      const answer = await runProgram('helm', [...args, '--namespace', namespace, ...reach], call)
      if (answer.ok) return answer.stdout
      throw new TargetError({
        what: `${doing} failed`,
        why: whyFailed(answer, limitMs, mask),
        state: 'What Helm started may be half finished.',
        next: 'Assess again: it shows what Helm records now.',
        code: 'helm_failed'
      })
    }
  }
}

function versionOf(text: string): { text: string; major: number; minor: number } {
  const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(text.trim()) ?? []
  return { text: text.trim(), major: Number(major ?? 0), minor: Number(minor ?? 0) }
}

function tooOld({ text, major, minor }: ReturnType<typeof versionOf>): string | null {
  if (major === 0) return 'the helm program on PATH does not report its version'
  return major > oldest.major || (major === oldest.major && minor >= oldest.minor)
    ? null
    : `the helm program on PATH is ${oneLine(text, 40)}; ${oldest.major}.${oldest.minor} or later is needed`
}

/** Helm ends with "Error: …"; warnings and debug lines come before it. */
function whyFailed({ problem, stderr }: ProgramResult, limitMs: number, mask: Mask): string {
  if (problem === 'cannot_run') return notOnPath
  if (problem === 'timed_out') return `helm did not finish within ${limitMs / 1000} s`
  if (problem === 'too_much_output') return `helm printed more than ${maxOutput / 1024 / 1024} MB`
  const text = mask.text(stderr)
  const from = text.lastIndexOf('Error: ')
  const [error = ''] = text.slice(from + 7).split(/^.*\[debug\]/m)
  const said = (from < 0 ? text.slice(-400) : error).trim()
  return said ? quoted(withoutValue(said), 400) : 'helm gave no reason'
}
