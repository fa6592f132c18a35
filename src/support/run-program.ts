import { programEnv } from './program-env.ts'

/** How a child process is run. */
interface ProgramCall {
  /** The user's environment, of which it gets what it needs; nothing else is inherited. */
  env: NodeJS.ProcessEnv
  /** Further variables, which it gets as they are. */
  variables?: NodeJS.ProcessEnv
  /** What it does, as `programEnv` knows it. Default: its name says it. */
  role?: 'kubectl-login'
  cwd?: string
  /** What it reads from stdin; without it stdin is empty. */
  input?: string
  signal?: AbortSignal
  limitMs: number
  /** Most bytes that stdout, or stderr, may have; one that says more is ended. Default: 8 MiB. */
  maxOutput?: number
  /** Told each line of stderr as it comes. */
  onErrorLine?(line: string): void
}

/** How a child process ended; it never throws for what the program did. */
export interface ProgramResult {
  /** It ran and exited with 0. */
  ok: boolean
  /** null when it did not exit by itself. */
  exitCode: number | null
  stdout: string
  stderr: string
  /** Why it did not exit by itself: not found or not executable, out of time, or more output than allowed. */
  problem: 'cannot_run' | 'timed_out' | 'too_much_output' | 'killed' | null
}

const mebibyte = 1024 * 1024

/**
 * Runs a program with an argument vector; there is no shell.
 * @throws the signal's reason when it is aborted.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { env, variables, role, cwd, input, signal, limitMs, maxOutput = 8 * mebibyte, onErrorLine }: ProgramCall
): Promise<ProgramResult> {
  signal?.throwIfAborted()
  // Many calls of this program start no other one, and a start should not pay for it.
  const { execa } = await import('execa')
  const running = execa(program, args, {
    env: { ...programEnv(role ?? program, env), ...variables },
    extendEnv: false,
    // Ctrl-C in a terminal goes to the whole process group: it must not end a program in the middle of a step.
    detached: process.platform !== 'win32',
    ...(cwd !== undefined && { cwd }),
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
    ...(signal && { cancelSignal: signal }),
    timeout: limitMs,
    forceKillAfterDelay: 2000,
    maxBuffer: maxOutput,
    reject: false
  })
  // execa only stops listening to one that says too much; it would go on until its limit.
  for (const stream of [running.stdout, running.stderr]) {
    let size = 0
    stream?.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxOutput) running.kill('SIGKILL')
    })
  }
  if (onErrorLine)
    for await (const line of running.iterable({ from: 'stderr' })) if (String(line).trim()) onErrorLine(String(line))
  const result = await running
  signal?.throwIfAborted()
  const { exitCode, failed, timedOut, isMaxBuffer, isTerminated } = result
  return {
    ok: !failed,
    exitCode: exitCode ?? null,
    stdout: result.stdout ?? '',
    stderr: result.stderr ?? '',
    problem: timedOut
      ? 'timed_out'
      : isMaxBuffer
        ? 'too_much_output'
        : isTerminated
          ? 'killed'
          : failed && exitCode === undefined
            ? 'cannot_run'
            : null
  }
}
