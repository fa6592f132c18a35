import type { z } from 'zod'
import { type Answer, answerOf, type Rendered } from '../render/answer.ts'
import type { Progress } from '../rollback/run/result.ts'
import type { ProjectContext } from '../rollback/session.ts'
import { checkedInput, type Tool, type ToolCall } from '../tools/define-tool.ts'
import type { Flags } from './arguments.ts'
import type { Terminal } from './terminal.ts'

/** What a command works with. */
export interface CommandContext {
  flags: Flags
  project: ProjectContext
  terminal: Terminal
  cancelled: AbortSignal
  /** Prints for people, to stderr; the answer itself is printed at the end. */
  say(text: string): void
  /** Is told what a rollback has in hand, and null once it has ended. */
  told?(progress: Progress | null): void
}

/** @throws what its tools throw; the caller renders it. */
export type Command = (context: CommandContext) => Promise<Answer>

/** For what is not asked: a call that comes here all the same does not go on. */
export const refuseConsent = async (): Promise<never> => {
  throw new Error('a rollback was to begin that nobody has confirmed')
}

/** What a tool that changes no target is called with. */
const nothingToConfirm = { consent: refuseConsent, group: { consent: refuseConsent } }

/** Runs a tool for a command and gives its result as it may be shown; the person at the terminal confirms. @throws what it throws. */
export async function run<Input extends z.ZodObject, Result>(
  { project, terminal, cancelled, told }: CommandContext,
  tool: Tool<Input, Result>,
  input: Record<string, unknown>,
  allowed: Pick<ToolCall, 'consent' | 'unattended' | 'group'> = nothingToConfirm
): Promise<Result> {
  const report = (progress: Progress): void => {
    told?.(progress)
    terminal.progress(`  ${project.mask.line(lineOf(progress))}`, isLast(progress))
  }
  const attended = (): boolean =>
    terminal.interactive && allowed.unattended === undefined && allowed.group.unattended === undefined
  const call = { project, report, cancelled, attended, ...allowed }
  try {
    return project.mask.shown(await tool.run(checkedInput(tool, input), call))
  } finally {
    told?.(null)
  }
}

/** A command that is one tool and the rendering of its result. */
export const toolCommand =
  <Input extends z.ZodObject, Result>(
    tool: Tool<Input, Result>,
    inputOf: (flags: Flags) => Record<string, unknown>,
    render: (result: Result, input: { rehearse?: boolean; verbose?: boolean }) => Rendered
  ): Command =>
  async (context) =>
    answerOf(render(await run(context, tool, inputOf(context.flags)), context.flags), context.project.mask)

const isLast = ({ state }: Progress): boolean => state !== 'started' && state !== 'working'

const lineOf = ({ index, total, title, state, detail }: Progress): string =>
  `[${index}/${total}] ${title}... ${state === 'done' || state === 'failed' ? state : ''}${detail ? ` ${detail}` : ''}`.trimEnd()
