interface Seen {
  /** The host's name of the event, which the answer repeats. */
  name: string
  sessionId: string
  cwd: string
}

/** A shell command that ended, or went into the background. */
export interface BashEvent extends Seen {
  kind: 'bash'
  command: string
  /** Null when the host saw no failure. */
  exitCode: number | null
  output: string
  interrupted: boolean
  durationMs: number
  taskId?: string
}

/** The host tells that a command in the background ended. */
export interface TaskEvent extends Seen {
  kind: 'task'
  taskId: string
  status: string
  /** Null when the host did not say it. */
  exitCode: number | null
}

/** A shell command that is about to run. */
export interface BeforeEvent extends Seen {
  kind: 'before'
  command: string
}

type HookEvent = BashEvent | TaskEvent | BeforeEvent

export type Json = Record<string, unknown>

// a schema library takes longer to load than this program may take
export const text = (value: unknown): string => (typeof value === 'string' ? value : '')
export const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})

/** Takes the host's event; gives null for one that says nothing about a deployment. @throws SyntaxError when it is no JSON. */
export function readEvent(raw: string): HookEvent | null {
  const event = object(JSON.parse(raw))
  const seen = { name: text(event.hook_event_name), sessionId: text(event.session_id), cwd: text(event.cwd) }
  if (seen.name === 'UserPromptSubmit') return taskEvent(seen, text(event.prompt))
  if (event.tool_name !== 'Bash') return null
  if (seen.name === 'PreToolUse') return { ...seen, kind: 'before', command: text(object(event.tool_input).command) }
  return bashEvent(seen, event)
}

function bashEvent(seen: Seen, event: Json): BashEvent | null {
  const response = object(event.tool_response)
  const error = text(event.error)
  const exitCode = /^Exit code (\d+)/.exec(error)?.[1]
  // a call that was refused failed as well, but nothing ran
  if (seen.name === 'PostToolUseFailure' && exitCode === undefined) return null
  const taskId = text(response.backgroundTaskId)
  return {
    ...seen,
    kind: 'bash',
    command: text(object(event.tool_input).command),
    exitCode: exitCode === undefined ? null : Number(exitCode),
    output: `${text(response.stdout)}\n${text(response.stderr)}\n${error}`,
    interrupted: event.is_interrupt === true || response.interrupted === true,
    durationMs: typeof event.duration_ms === 'number' ? event.duration_ms : 0,
    ...(taskId && { taskId })
  }
}

function taskEvent(seen: Seen, prompt: string): TaskEvent | null {
  if (!prompt.startsWith('<task-notification>')) return null
  const part = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(prompt)?.[1] ?? ''
  const exitCode = /exit code (\d+)/.exec(part('summary'))?.[1]
  return {
    ...seen,
    kind: 'task',
    taskId: part('task-id'),
    status: part('status'),
    exitCode: exitCode === undefined ? null : Number(exitCode)
  }
}
