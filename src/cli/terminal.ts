import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { InputError } from '../support/errors.ts'
import type { Mask } from '../support/mask.ts'

/** One line of a list to choose from. */
export interface Choice {
  value: string
  label: string
}

/** The terminal, where there is one. */
export interface Terminal {
  interactive: boolean
  /** A list can be shown on it: it knows how wide it is. */
  showsLists?: boolean
  /** The answer; empty after Ctrl-C and Ctrl-D. */
  ask(question: string): Promise<string>
  /** What a person takes of a list that they go through with the arrow keys; null after Escape and Ctrl-C. */
  pick(question: string, from: readonly Choice[], first: string): Promise<string | null>
  /** One line of progress; a terminal overwrites an unfinished line. */
  progress(line: string, isLast: boolean): void
}

/** A question ends unanswered with `cancelled`, and when the terminal closes. */
export function terminalOf(input: NodeJS.ReadStream, output: NodeJS.WriteStream, cancelled: AbortSignal): Terminal {
  let open = false
  let ticking: NodeJS.Timeout | undefined
  const live = output.isTTY === true
  return {
    interactive: input.isTTY === true && output.isTTY === true,
    showsLists: (output.columns ?? 0) >= 40,
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
    async pick(question, from, first) {
      const { isCancel, select } = await import('@clack/prompts')
      const options = from.map((choice) => ({ ...choice }))
      const picked = await select({ message: question, options, initialValue: first, input, output, signal: cancelled })
      return isCancel(picked) ? null : picked
    },
    progress(line, isLast) {
      clearInterval(ticking)
      if (!live) return void (isLast && output.write(`${line}\n`))
      const began = Date.now()
      const write = (): void => {
        const seconds = Math.floor((Date.now() - began) / 1000)
        const shown = `${line}${seconds > 0 && !isLast ? ` ${seconds} s` : ''}`.slice(
          0,
          Math.max(20, (output.columns ?? 80) - 1)
        )
        output.write(`${open ? '\r\u001b[2K' : ''}${shown}${isLast ? '\n' : ''}`)
        open = !isLast
      }
      write()
      if (!isLast) ticking = setInterval(write, 1000).unref()
    }
  }
}

/** Variables that agents set in their shells, whatever their value. There a rollback needs the host's own prompt. */
const agentVariables =
  `AI_AGENT AGENT CLAUDECODE CLAUDE_CODE CLAUDE_CODE_ENTRYPOINT CLAUDE_CODE_SESSION_ID CLAUDE_CODE_IS_COWORK
  CURSOR_AGENT CURSOR_CONVERSATION_ID CODEX_SANDBOX CODEX_SANDBOX_NETWORK_DISABLED CODEX_THREAD_ID CODEX_CI GEMINI_CLI
  QWEN_CODE QWEN_CODE_SESSION_ID AIDER AIDER_AGENT OPENCODE OPENCODE_AGENT OPENCODE_CLIENT COPILOT_AGENT COPILOT_CLI VSCODE_AGENT
  WINDSURF WINDSURF_AGENT CLINE_ACTIVE CLINE_AGENT ROO_ACTIVE ROO_CODE_AGENT AMP_CURRENT_THREAD_ID AGENT_THREAD_ID GOOSE_TERMINAL
  AUGMENT_AGENT ANTIGRAVITY_AGENT CRUSH PI_CODING_AGENT KIRO_AGENT_PATH TRAE_AI_SHELL_ID OPENCLAW_SHELL CONTINUE_AGENT
  DEVIN_AGENT JULES_AGENT REPL_ID OZ_RUN_ID`.split(/\s+/)

/** An editor's terminal is a person's, too; its agent turns the pager off. */
const inEditorOfAgent = ({ TERM_PROGRAM = '', PAGER, GIT_PAGER }: NodeJS.ProcessEnv): boolean =>
  ['vscode', 'zed'].includes(TERM_PROGRAM) && (PAGER === 'cat' || GIT_PAGER === 'cat')

function agentHost(env: NodeJS.ProcessEnv): string | null {
  const variable = agentVariables.find((name) => env[name] !== undefined)
  if (variable) return `${variable} is set`
  if (inEditorOfAgent(env)) return `the pager is off in a terminal of ${env.TERM_PROGRAM}`
  return existsSync('/opt/.devin') ? '/opt/.devin exists' : null
}

/** @throws InputError when an agent runs this shell. */
export function refuseUnderAgent(env: NodeJS.ProcessEnv): void {
  const agent = agentHost(env)
  if (!agent) return
  throw new InputError({
    what: "This command does not roll back in an agent's shell",
    why: `${agent}, so an agent runs this shell; a person must confirm each rollback`,
    next: 'Run it in a terminal of your own, or use the execute_rollback tool, which asks a person.',
    code: 'agent_host'
  })
}

/**
 * Asks a person to confirm, with yes or with the word that the question shows.
 * @throws InputError when there is no terminal, or the answer is another.
 */
export async function confirm(
  terminal: Terminal,
  { env, mask }: { env: NodeJS.ProcessEnv; mask: Mask },
  question: string,
  word?: string
): Promise<void> {
  refuseUnderAgent(env)
  if (!terminal.interactive)
    throw new InputError({
      what: 'This rollback needs a confirmation',
      why: 'there is no terminal to ask on',
      next: 'Run it in a terminal, or use --auto where deploy.json allows unattended rollbacks.',
      code: 'not_confirmed'
    })
  const answer = await terminal.ask(`${mask.line(question)} ${word ? `Type ${word} to confirm:` : '[y/N]'} `)
  if (word ? answer === word : /^y(es)?$/i.test(answer)) return
  throw new InputError({
    what: 'Not rolled back',
    why: word ? `the answer was not ${word}` : 'the answer was not yes',
    state: 'Nothing was changed.',
    next: 'Run it again and answer what the question asks for, or pass --auto.',
    code: 'declined'
  })
}

/** A number that only the question shows: what was piped into a terminal before it was asked does not confirm. */
export const unforeseen = (): string => String(randomInt(1000, 10_000))
