import { findProject } from '../project/paths.ts'
import type { Answer } from '../render/answer.ts'
import { renderError } from '../render/error.ts'
import { systemClock } from '../support/clock.ts'
import { explainAbort } from '../support/explain-abort.ts'
import { createLogger } from '../support/log.ts'
import { createMask } from '../support/mask.ts'
import { version } from '../version.ts'
import { commandLineOf, folder } from './arguments.ts'
import { commands } from './commands.ts'
import { exitCodeOf } from './exit-codes.ts'
import { help, helpOf } from './help.ts'
import { interrupts } from './interrupts.ts'
import { present } from './present.ts'
import { terminalOf } from './terminal.ts'

/** Runs one command line and gives its exit code. The answer goes to stdout, all else to stderr. */
export async function main(args: string[], env: NodeJS.ProcessEnv, cwd: string): Promise<number> {
  const mask = createMask()
  const log = createLogger(mask, env.POP_ROLLBACK_DEBUG ? 'debug' : 'error')
  const json = args.includes('--json')
  const print = (given: Answer): number => {
    const answer = mask.shown(given)
    process.stdout.write(`${json ? JSON.stringify(answer) : present(answer.summary, process.stdout, env)}\n`)
    return exitCodeOf(answer)
  }
  const cancel = new AbortController()
  const leave = (): void => cancel.abort()
  const say = (text: string): void => void process.stderr.write(`${present(mask.text(text), process.stderr, env)}\n`)
  const onInterrupt = interrupts({
    cancel: leave,
    // A live line may be open.
    say: (text) => say(process.stderr.isTTY ? `\n${text}` : text),
    end: () => process.exit(130),
    now: systemClock.now
  })
  process.on('SIGINT', onInterrupt.press)
  process.once('SIGTERM', leave)
  // A dropped connection, or output that is no longer read, must not end the process between stop and start.
  process.on('SIGHUP', leave)
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  try {
    const line = commandLineOf(args)
    if (line.kind === 'version') return print({ ok: true, summary: version, next: [], version })
    if (line.kind === 'help')
      return print({ ok: true, summary: line.command ? helpOf(line.command) : help(), next: [] })
    const { directory } = line.flags
    const whereabouts =
      directory === undefined ? { env, cwd } : { env: { ...env, CLAUDE_PROJECT_DIR: '' }, cwd: folder(cwd, directory) }
    const project = { projectDir: findProject(whereabouts), env, clock: systemClock, log, mask }
    const terminal = terminalOf(process.stdin, process.stderr, cancel.signal)
    const context = { flags: line.flags, project, terminal, cancelled: cancel.signal, say, told: onInterrupt.told }
    return print(await commands[line.command](context))
  } catch (thrown) {
    const rendered = renderError(explainAbort(thrown, cancel.signal), mask)
    if (rendered.error.fault === 'program')
      log('error', thrown instanceof Error ? (thrown.stack ?? '') : String(thrown))
    return print(rendered)
  }
}
