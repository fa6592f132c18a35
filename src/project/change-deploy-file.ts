import { statSync } from 'node:fs'
import { mkdir, readFile, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConfigError, messageOf, RollbackError } from '../support/errors.ts'
import { checkedHeader, type ReadJson, readJsonFile } from './deploy-file.ts'
import { acquireFileLock, type FileLock } from './file-lock.ts'
import { encodeJson } from './json-text.ts'
import type { ProjectPaths } from './paths.ts'
import { locateDeployFile } from './paths.ts'
import { stageFile, sweepStaged } from './replace-file.ts'

export interface ChangeOptions {
  /** What is written, for who waits and for an error: "the history". */
  what: string
  /** Where CLAUDE_PLUGIN_DATA is looked up, for a project whose deploy.json lies there. */
  env?: NodeJS.ProcessEnv
  signal?: AbortSignal
}

const waitMs = 20_000
const staleAfterMs = 10_000
const maxAttempts = 50

/**
 * Changes the text of deploy.json and gives the file's path. The file is replaced at once and whole. Where there is none, the text that
 * is changed is a minimal one, made in the project.
 * @throws ConfigError when the file is broken or cannot be written; TargetError `locked` when another process keeps it locked.
 */
export async function changeDeployFile(
  paths: ProjectPaths,
  change: (text: string) => string,
  { what, env = {}, signal }: ChangeOptions
): Promise<string> {
  const { path: named } = locateDeployFile(paths, env)
  try {
    await mkdir(dirname(named), { recursive: true })
    const path = await realpath(named).catch(() => named)
    const lock = await acquireFileLock(`${path}.lock`, { purpose: `writing ${what}`, waitMs, staleAfterMs, signal })
    try {
      await sweepStaged(path)
      await replaceUndisturbed(path, change, { what, lock, signal })
    } finally {
      await lock.release()
    }
    return path
  } catch (error) {
    if (error instanceof RollbackError || signal?.aborted) throw error
    throw notWritten(what, named, messageOf(error), error)
  }
}

/** Other tools do not take our lock. If one wrote the file in the meantime, the new content is made again from what it wrote. */
async function replaceUndisturbed(
  path: string,
  change: (text: string) => string,
  { what, lock, signal }: { what: string; lock: FileLock; signal: AbortSignal | undefined }
): Promise<void> {
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    signal?.throwIfAborted()
    const before = await readJsonFile(path)
    const staged = await stageFile(path, before ? changed(path, before, change) : change(minimal))
    try {
      if (!(await lock.held())) throw notWritten(what, path, 'its lock was taken over meanwhile')
      const seen = identityOf(path)
      if ((await holds(path, before)) && (await staged.commit(() => identityOf(path) === seen))) return
    } finally {
      await staged.discard()
    }
  }
  throw notWritten(what, path, 'another program keeps writing it')
}

function changed(path: string, before: ReadJson, change: (text: string) => string): string {
  checkedHeader(path, before)
  return encodeJson({ ...before, text: change(before.text) })
}

const minimal = '{\n  "version": "1.0"\n}\n'

async function holds(path: string, content: ReadJson | null): Promise<boolean> {
  const now = await readFile(path, 'utf8').catch(() => null)
  return now === (content && encodeJson(content))
}

/** Changes whenever the file is written or replaced; quick enough to be asked right before a replacement. */
function identityOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found ? `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}` : 'none'
}

const notWritten = (what: string, path: string, why: string, cause?: unknown): ConfigError =>
  new ConfigError({
    what: `${what[0]?.toUpperCase()}${what.slice(1)} in ${path} was not written`,
    why,
    state: 'The file is as it was.',
    next: 'Make the file and its folder writable; then try again.',
    code: 'history_not_written',
    cause
  })
