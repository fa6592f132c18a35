import type { z } from 'zod'
import type { GroupHooks } from '../rollback/group/member-run.ts'
import type { ExecuteHooks } from '../rollback/run/result.ts'
import type { ProjectContext } from '../rollback/session.ts'
import { InputError } from '../support/errors.ts'
import { oneLine } from '../support/text.ts'

/** What a tool does to the world; its annotations are derived from it, so that they cannot disagree. */
export type Effect = 'reads' | 'adds a file' | 'changes the target'

/** What a call brings with it from the host or the command line. */
export interface ToolCall extends Pick<ExecuteHooks, 'report' | 'consent' | 'unattended' | 'attended'> {
  project: ProjectContext
  /** The same for several targets as one. */
  group: Pick<GroupHooks, 'consent' | 'unattended'>
  /** Aborted when the caller cancels. */
  cancelled: AbortSignal
}

/** A tool: a schema in, a typed result out. */
export interface Tool<Input extends z.ZodObject, Result> {
  name: string
  title: string
  description: string
  effect: Effect
  input: Input
  run(input: z.infer<Input>, call: ToolCall): Promise<Result>
}

/** Declares a tool; one per file. */
export const defineTool = <Input extends z.ZodObject, Result>(tool: Tool<Input, Result>): Tool<Input, Result> => tool

/** The checked input of a tool. @throws InputError naming what is wrong. */
export function checkedInput<Input extends z.ZodObject>(
  { name, input }: Pick<Tool<Input, unknown>, 'name' | 'input'>,
  given: unknown
): z.infer<Input> {
  const parsed = input.safeParse(given ?? {})
  if (parsed.success) return parsed.data
  throw new InputError({
    what: `Invalid arguments for ${name}`,
    why: parsed.error.issues
      .slice(0, 5)
      .map(({ path, message }) => `${path.join('.') || 'arguments'}: ${oneLine(message, 200)}`)
      .join('; '),
    next: `Pass only these arguments: ${Object.keys(input.shape).join(', ')}.`,
    code: 'bad_arguments'
  })
}
