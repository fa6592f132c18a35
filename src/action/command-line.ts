import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'

/** What the command line prints with --json, as far as the action uses it. */
export interface CommandAnswer {
  summary?: string
  outcome?: string
  to?: { version?: string }
  version?: string
  /** Path of the report, in the project. */
  incident?: string
}

/** Runs the command line beside this program. What it says may come from outside, so the runner takes no commands out of it. */
export async function runCommandLine(
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv
): Promise<{ exitCode: number; answer: CommandAnswer }> {
  const program = fileURLToPath(new URL('cli.mjs', import.meta.url))
  const token = randomUUID()
  console.log(`::stop-commands::${token}`)
  const child = spawn(process.execPath, [program, ...args, '--json'], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = new Promise<number>((done, fail) => {
    child.once('error', fail)
    child.once('close', (code) => done(code ?? 1))
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    printed += piece
  })
  const exitCode = await ended
  const answer = answerIn(printed)
  console.log(`${answer.summary ?? printed}\n::${token}::`)
  return { exitCode, answer }
}

function answerIn(printed: string): CommandAnswer {
  try {
    return JSON.parse(printed) as CommandAnswer
  } catch {
    return {}
  }
}
