import type { z } from 'zod'
import type { Assessment } from '../rollback/assess/assess.ts'
import type { ResumeOption } from '../rollback/journal/resume-options.ts'
import type { ProjectContext } from '../rollback/open-session.ts'
import type { ReportProgress } from '../rollback/run/progress.ts'

/** What a tool does to the world; its annotations are derived from it, so that they cannot disagree. */
export type Effect = 'reads' | 'adds a file' | 'changes the target'

export interface NextCall {
  tool: string
  arguments: Record<string, unknown>
  when: string
}

/** What every tool returns: ready to be shown, with the sensible next calls, and data for the model. */
export interface ToolResult {
  ok: boolean
  summary: string
  next: NextCall[]
  data: Record<string, unknown>
}

/** What a call brings with it from the host. */
export interface ToolCall {
  project: ProjectContext
  report: ReportProgress
  /** Aborted when the host cancels the call. */
  cancelled: AbortSignal
  /** Makes sure that a person, or a standing permission, says yes to this execution. @throws InputError when nobody does. */
  consent(assessment: Assessment, way?: ResumeOption): Promise<void>
  /** Where nobody watches: makes sure that all holds that such an execution needs. @throws ConfigError naming what does not. */
  unattended?(assessment: Assessment): Promise<void>
}

export interface Tool<Input extends z.ZodObject = z.ZodObject> {
  name: string
  title: string
  description: string
  effect: Effect
  input: Input
  /** Names of the fields that the result holds beside `ok`, `summary`, `next` and `error`. */
  output: readonly string[]
  handler(input: z.infer<Input>, call: ToolCall): Promise<ToolResult>
}

/** Declares a tool; one per file. */
export const defineTool = <Input extends z.ZodObject>(tool: Tool<Input>): Tool => tool as unknown as Tool
