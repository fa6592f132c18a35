import type { ProjectPaths } from '../project/paths.ts'
import { projectPaths } from '../project/paths.ts'
import type { ProjectContext } from '../rollback/open-session.ts'
import type { Progress } from '../rollback/run/progress.ts'
import { type Answer, callTool } from '../tools/call-tool.ts'
import type { Tool, ToolCall } from '../tools/define-tool.ts'
import type { Flags } from './arguments.ts'
import type { Terminal } from './terminal.ts'

/** What a command has at hand. */
export interface CommandContext {
  flags: Flags
  project: ProjectContext
  paths: ProjectPaths
  terminal: Terminal
  cancelled: AbortSignal
  /** Prints for people, to stderr; the answer itself is printed at the end. */
  say(text: string): void
}

export type Command = (context: CommandContext) => Promise<Answer>

export const contextOf = (
  flags: Flags,
  project: ProjectContext,
  terminal: Terminal,
  cancelled: AbortSignal,
  say: (text: string) => void
): CommandContext => ({ flags, project, paths: projectPaths(project.projectDir), terminal, cancelled, say })

/** Runs a tool for a command, with the person at the terminal in the host's place. */
export async function run(
  { project, terminal, cancelled }: CommandContext,
  tool: Tool,
  input: Record<string, unknown>,
  allowed: Pick<ToolCall, 'consent' | 'unattended'> = { consent: async () => undefined }
): Promise<Answer> {
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
  const report = (progress: Progress): void =>
    terminal.progress(lineOf(progress), progress.state === 'done' || progress.state === 'failed')
  return (await callTool(tool, given, { project, report, cancelled, ...allowed })).answer
}

const lineOf = ({ index, total, title, state, detail }: Progress): string =>
  `  [${index}/${total}] ${title}... ${state === 'done' || state === 'failed' ? state : ''}${detail ? ` ${detail}` : ''}`.trimEnd()
