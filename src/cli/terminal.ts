import { createInterface } from 'node:readline/promises'
import { InputError } from '../support/errors.ts'

/** Where a person may sit. */
export interface Terminal {
  interactive: boolean
  /** The answer; empty when there was none: Ctrl-C, Ctrl-D. */
  ask(question: string): Promise<string>
  /** One line of progress; on a terminal the line in work is overwritten. */
  progress(line: string, isLast: boolean): void
}

/** Questions end with `cancelled`, and with the terminal itself; that is no answer, and so no yes. */
export function terminalOf(input: NodeJS.ReadStream, output: NodeJS.WriteStream, cancelled: AbortSignal): Terminal {
  let open = false
  const live = output.isTTY === true
  return {
    interactive: input.isTTY === true && output.isTTY === true,
    async ask(question) {
      const lines = createInterface({ input, output })
      const closed = new Promise<null>((resolve) => lines.once('close', () => resolve(null)))
      try {
        // Ctrl-C rejects the question, Ctrl-D leaves it open for ever
        const answer = await Promise.race([lines.question(question, { signal: cancelled }).catch(() => null), closed])
        if (answer === null) output.write('\n')
        return answer?.trim() ?? ''
      } finally {
        lines.close()
      }
    },
    progress(line, isLast) {
      if (!live) return void (isLast && output.write(`${line}\n`))
      output.write(
        `${open ? '\r\u001b[2K' : ''}${line.slice(0, Math.max(20, (output.columns ?? 80) - 1))}${isLast ? '\n' : ''}`
      )
      open = !isLast
    }
  }
}

/** Agents run commands in shells, too; there the host's own prompt must stand between an agent and a rollback. */
const agentHosts = [
  'CLAUDECODE',
  'CLAUDE_CODE_ENTRYPOINT',
  'CLAUDE_CODE_SESSION_ID',
  'CURSOR_AGENT',
  'CODEX_SANDBOX',
  'CODEX_SANDBOX_NETWORK_DISABLED',
  'CODEX_THREAD_ID',
  'GEMINI_CLI',
  'AIDER',
  'OPENCODE'
]

const agentHost = (env: NodeJS.ProcessEnv): string | null => agentHosts.find((name) => env[name]) ?? null

/** @throws InputError when an agent runs this shell. */
export function refuseUnderAgent(env: NodeJS.ProcessEnv): void {
  const agent = agentHost(env)
  if (!agent) return
  throw new InputError({
    what: 'This command does not roll back under an agent',
    why: `${agent} is set, so an agent runs this shell, and a person must say yes to each rollback`,
    next: 'Use the execute_rollback tool, whose prompt the host shows to a person; or let a person run this on a terminal.',
    code: 'agent_host'
  })
}

/** Asks a person to confirm. @throws InputError when there is nobody, or the answer is not yes. */
export async function confirm(terminal: Terminal, env: NodeJS.ProcessEnv, question: string): Promise<void> {
  refuseUnderAgent(env)
  if (!terminal.interactive)
    throw new InputError({
      what: 'Nobody can confirm this rollback',
      why: 'this is no terminal',
      next: 'Run it on a terminal, or use --auto where deploy.json allows unattended rollbacks.',
      code: 'not_confirmed'
    })
  const answer = await terminal.ask(`${question} [y/N] `)
  if (/^y(es)?$/i.test(answer)) return
  throw new InputError({
    what: 'The rollback was declined',
    why: 'the answer was not yes',
    next: 'Nothing happened.',
    code: 'declined'
  })
}
