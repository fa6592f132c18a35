import { statSync } from 'node:fs'
import { findProject, locateDeployFile, projectPaths } from '../project/paths.ts'
import { deployCommandIn, showsFailure } from './deploy-command.ts'
import { type BashEvent, type BeforeEvent, readEvent, type TaskEvent } from './event.ts'
import { frozenNotice } from './frozen-notice.ts'
import { type Failure, noticeOf } from './notice.ts'
import { openMemory, type SessionMemory } from './session-memory.ts'

// clocks of other machines and zone-less times are not exact
const recordSlackMs = 5 * 60_000
/** How long this program may have waited for its start on a busy machine. */
const startSlackMs = 30_000

/**
 * What the host is to add to its conversation after a command or a notification: one factual line when a deployment was seen to
 * fail, null when there is nothing to say. Takes the event as the host wrote it to stdin. Reads deploy.json only when there is.
 */
export function answerTo(text: string, env: NodeJS.ProcessEnv, now: Date): string | null {
  const event = readEvent(text)
  if (!event) return null
  const memory = openMemory(event.sessionId, env)
  if (event.kind === 'before') return answerBefore(event, env, { now, memory })
  const failure = event.kind === 'task' ? failureOfTask(event, memory) : failureOfBash(event, memory)
  const deployFile = deployFileOf(event, env)
  const written = event.kind === 'bash' && writtenWhile(event.durationMs, deployFile, now)
  if (!failure && !written) return null
  const recordsSince = written ? new Date(now.getTime() - event.durationMs - recordSlackMs) : null
  const line = noticeOf(failure, { deployFile, now, memory, recordsSince })
  return line && JSON.stringify({ hookSpecificOutput: { hookEventName: event.name, additionalContext: line } })
}

const deployFileOf = ({ cwd }: { cwd: string }, env: NodeJS.ProcessEnv): string =>
  locateDeployFile(projectPaths(findProject({ env, cwd: cwd || process.cwd() })), env).path

/**
 * Before a command: what is said to the model and shown to the person. A command that names a frozen version is asked about; nothing is
 * ever refused here.
 */
function answerBefore(
  event: BeforeEvent,
  env: NodeJS.ProcessEnv,
  { now, memory }: { now: Date; memory: SessionMemory }
): string | null {
  if (!deployCommandIn(event.command)) return null
  const notice = frozenNotice(event, { deployFile: deployFileOf(event, env), now, memory })
  if (!notice) return null
  const { line, names } = notice
  const ask = { permissionDecision: 'ask', permissionDecisionReason: line }
  const hookSpecificOutput = { hookEventName: event.name, ...(names && ask), additionalContext: line }
  return JSON.stringify({ systemMessage: line, hookSpecificOutput })
}

/** The deployment that a command shows to have failed; remembers one that went into the background, forgets what succeeded. */
function failureOfBash(event: BashEvent, memory: SessionMemory): Failure | null {
  const deploy = deployCommandIn(event.command)
  if (!deploy || event.interrupted) return null
  const { label, types, weak, alone, masked, unsure, ownOutput } = deploy
  const shown = () => showsFailure(types, event.output, ownOutput)
  if (event.exitCode !== null) {
    if (unsure && !shown()) return null
    return { label, types, weak, how: alone ? 'exited' : 'within', exitCode: event.exitCode }
  }
  if (event.taskId) memory.rememberTask(event.taskId, { label, types, weak, unsure })
  else if (!masked) memory.forgetFailuresOf(label)
  else if (shown()) return { label, types, weak, how: 'hidden' }
  return null
}

function failureOfTask({ taskId, status, exitCode }: TaskEvent, memory: SessionMemory): Failure | null {
  const deploy = memory.task(taskId)
  if (!deploy || deploy.unsure || status !== 'failed') return null
  return { ...deploy, how: 'background', exitCode }
}

/** Whether deploy.json was written while a command of this length ran. Reads no more than the file's times. */
function writtenWhile(durationMs: number, deployFile: string, now: Date): boolean {
  const found = statSync(deployFile, { throwIfNoEntry: false })
  return found !== undefined && found.mtimeMs >= now.getTime() - durationMs - startSlackMs
}
