import { createInterface } from 'node:readline/promises'
import { InputError } from '../support/errors.ts'
import type { Mask } from '../support/mask.ts'

/** The terminal, where there is one. */
export interface Terminal {
  interactive: boolean
  /** The answer; empty after Ctrl-C and Ctrl-D. */
  ask(question: string): Promise<string>
  /** One line of progress; a terminal overwrites an unfinished line. */
  progress(line: string, isLast: boolean): void
}

/** A question ends unanswered with `cancelled`, and when the terminal closes. */
export function terminalOf(input: NodeJS.ReadStream, output: NodeJS.WriteStream, cancelled: AbortSignal): Terminal {
  let open = false
  const live = output.isTTY === true
  return {
    interactive: input.isTTY === true && output.isTTY === true,
    async ask(question) {
      const lines = createInterface({ input, output })
      const closed = new Promise<null>((resolve) => lines.once('close', () => resolve(null)))
      try {
        // Ctrl-C rejects the question; Ctrl-D leaves it open, so the close event ends it.
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

/** Variables that agents set in their shells. There a rollback needs the host's own prompt. */
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
    what: "This command does not roll back in an agent's shell",
    why: `${agent} is set, so an agent runs this shell; a person must confirm each rollback`,
    next: 'Run it in a terminal of your own, or use the execute_rollback tool, which asks a person.',
    code: 'agent_host'
  })
}

/** Asks a person to confirm. @throws InputError when there is no terminal, or the answer is not yes. */
export async function confirm(
  terminal: Terminal,
  { env, mask }: { env: NodeJS.ProcessEnv; mask: Mask },
  question: string
): Promise<void> {
  refuseUnderAgent(env)
  if (!terminal.interactive)
    throw new InputError({
      what: 'This rollback needs a confirmation',
      why: 'there is no terminal to ask on',
      next: 'Run it in a terminal, or use --auto where deploy.json allows unattended rollbacks.',
      code: 'not_confirmed'
    })
  const answer = await terminal.ask(`${mask.line(question)} [y/N] `)
  if (/^y(es)?$/i.test(answer)) return
  throw new InputError({
    what: 'The rollback was declined',
    why: 'the answer was not yes',
    next: 'Run it again and answer y, or pass --auto.',
    code: 'declined'
  })
}
