import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { execa } from 'execa'
import { TargetError } from '../../../support/errors.ts'
import type { Mask } from '../../../support/mask.ts'
import { quoteLine } from '../../../support/quote.ts'
import { oneLine } from '../../../support/text.ts'
import type { Connection } from '../client/connect.ts'

/** The helm program as it is called for one cluster. */
export interface HelmProgram {
  /** Null when it can be used; else why not. Asked once. */
  unusable(signal: AbortSignal): Promise<string | null>
  /** @throws TargetError `helm_failed` with what it said. */
  call(args: readonly string[], options: HelmCall): Promise<string>
}

export interface HelmCall {
  /** What is tried, for errors: "Reading the history of web". */
  doing: string
  namespace: string
  signal: AbortSignal
  limitMs?: number
  /** Told each line of its debug output. */
  tell?(line: string): void
}

const usualLimitMs = 30_000
const mostOutput = 32 * 1024 * 1024
const oldest = { major: 3, minor: 5 }

/** Variables that would lead Helm to another cluster or namespace than this target's. */
const misleading = /^HELM_(KUBE\w*|NAMESPACE|DEBUG|MAX_HISTORY)$/

/** Finds and calls helm on PATH, against the cluster and the login that this target uses. */
export function openHelmProgram(env: NodeJS.ProcessEnv, { files, context }: Connection, mask: Mask): HelmProgram {
  const [file, ...more] = files
  const reach = [
    ...(file && more.length === 0 ? ['--kubeconfig', file] : []),
    ...(file ? ['--kube-context', context] : [])
  ]
  const itsEnv = Object.fromEntries(Object.entries(env).filter(([name]) => !misleading.test(name)))
  let found: Promise<string | null> | undefined
  let reason: string | null | undefined

  async function run(args: readonly string[], { signal, limitMs = usualLimitMs, tell }: Omit<HelmCall, 'doing'>) {
    found ??= findHelm(env)
    const program = await found
    if (!program) return null
    const running = execa(program, args, {
      env: itsEnv,
      extendEnv: false,
      stdin: 'ignore',
      timeout: limitMs,
      cancelSignal: signal,
      forceKillAfterDelay: 2000,
      maxBuffer: mostOutput,
      reject: false
    })
    if (tell)
      running.stderr?.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.split('\n')) if (line.trim()) tell(quoteLine(mask, line, 300))
      })
    const result = await running
    signal.throwIfAborted()
    return result
  }

  return {
    async unusable(signal) {
      if (reason !== undefined) return reason
      const answer = await run(['version', '--template', '{{.Version}}'], { namespace: '', signal })
      reason = answer ? whyNot(answer.failed ? '' : answer.stdout) : 'the helm program is not on PATH'
      return reason
    },
    async call(args, options) {
      const answer = await run([...args, '--namespace', options.namespace, ...reach], options)
      if (answer && !answer.failed) return answer.stdout
      const limit = (options.limitMs ?? usualLimitMs) / 1000
      const why = !answer
        ? 'the helm program is not on PATH'
        : answer.timedOut
          ? `helm did not end within ${limit} s`
          : said(mask.text(answer.stderr))
      throw new TargetError({
        what: `${options.doing} failed`,
        why,
        state: 'What Helm had begun may stand half way.',
        next: 'Assess again: it shows what Helm records now.',
        code: 'helm_failed'
      })
    }
  }
}

function whyNot(version: string): string | null {
  const [, major = '', minor = ''] = /^v?(\d+)\.(\d+)\./.exec(version.trim()) ?? []
  if (!major) return 'the helm program on PATH does not say its version'
  const [first, second] = [Number(major), Number(minor)]
  return first > oldest.major || (first === oldest.major && second >= oldest.minor)
    ? null
    : `the helm program on PATH is ${oneLine(version, 40)}, and ${oldest.major}.${oldest.minor} or later is needed`
}

/** Helm ends with "Error: …"; warnings and debug lines come before it. */
function said(stderr: string): string {
  const from = stderr.lastIndexOf('Error: ')
  const [error = ''] = stderr.slice(from + 7).split(/^.*\[debug\]/m)
  return oneLine(from < 0 ? stderr.slice(-400) : error, 400) || 'helm gave no reason'
}

async function findHelm(env: NodeJS.ProcessEnv): Promise<string | null> {
  const name = process.platform === 'win32' ? 'helm.exe' : 'helm'
  for (const folder of (env.PATH ?? env.Path ?? '').split(delimiter).filter(Boolean)) {
    const program = join(folder, name)
    const works = await access(program, constants.X_OK).then(
      () => true,
      () => false
    )
    if (works) return program
  }
  return null
}
