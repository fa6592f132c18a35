import { statSync } from 'node:fs'
import { mkdir, readFile, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DeploymentRecord } from '../model/deployment-record.ts'
import type { JsonObject } from '../model/json.ts'
import { ConfigError, messageOf, RollbackError } from '../support/errors.ts'
import { checkedHeader, type ReadJson, readJsonFile } from './deploy-file.ts'
import { acquireFileLock, type FileLock } from './file-lock.ts'
import { rawRecord } from './history.ts'
import { insertRecord } from './insert-record.ts'
import { encodeJson } from './json-text.ts'
import type { ProjectPaths } from './paths.ts'
import { locateDeployFile } from './paths.ts'
import { stageFile, sweepStaged } from './replace-file.ts'

interface AppendOptions {
  /** Where CLAUDE_PLUGIN_DATA is looked up, for a project whose deploy.json lies there. */
  env?: NodeJS.ProcessEnv
  signal?: AbortSignal
}

const waitMs = 20_000
const staleAfterMs = 10_000
const maxAttempts = 50

/**
 * Adds a record as the newest one of deploy.json's history and gives the file's path. All else in the file stays as it is written;
 * the file is replaced at once and whole. Where there is none, a minimal one is made in the project.
 * @throws ConfigError when the file is broken or cannot be written; TargetError `locked` when another process keeps it locked.
 */
export async function appendHistory(
  paths: ProjectPaths,
  record: DeploymentRecord,
  { env = {}, signal }: AppendOptions = {}
): Promise<string> {
  const { path: named } = locateDeployFile(paths, env)
  try {
    await mkdir(dirname(named), { recursive: true })
    const path = await realpath(named).catch(() => named)
    const purpose = 'writing the history'
    const lock = await acquireFileLock(`${path}.lock`, { purpose, waitMs, staleAfterMs, signal })
    try {
      await sweepStaged(path)
      await replaceUndisturbed(path, rawRecord(record), lock, signal)
    } finally {
      await lock.release()
    }
    return path
  } catch (error) {
    if (error instanceof RollbackError || signal?.aborted) throw error
    throw notWritten(named, messageOf(error), error)
  }
}

/** Other tools do not take our lock. If one wrote the file in the meantime, the new content is made again from what it wrote. */
async function replaceUndisturbed(
  path: string,
  record: JsonObject,
  lock: FileLock,
  signal?: AbortSignal
): Promise<void> {
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    signal?.throwIfAborted()
    const before = await readJsonFile(path)
    const staged = await stageFile(path, before ? withRecord(path, before, record) : minimalFile(record))
    try {
      if (!(await lock.held())) throw notWritten(path, 'its lock was taken over meanwhile')
      const seen = identityOf(path)
      if ((await holds(path, before)) && (await staged.commit(() => identityOf(path) === seen))) return
    } finally {
      await staged.discard()
    }
  }
  throw notWritten(path, 'another program keeps writing it')
}

function withRecord(path: string, before: ReadJson, record: JsonObject): string {
  checkedHeader(path, before)
  return encodeJson({ ...before, text: insertRecord(before.text, record) })
}

const minimalFile = (record: JsonObject): string => insertRecord('{\n  "version": "1.0"\n}\n', record)

async function holds(path: string, content: ReadJson | null): Promise<boolean> {
  const now = await readFile(path, 'utf8').catch(() => null)
  return now === (content && encodeJson(content))
}

/** Changes whenever the file is written or replaced; quick enough to be asked right before a replacement. */
function identityOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found ? `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}` : 'none'
}

const notWritten = (path: string, why: string, cause?: unknown): ConfigError =>
  new ConfigError({
    what: `The history in ${path} was not written`,
    why,
    state: 'The file is as it was.',
    next: 'Make the file and its folder writable; the record can be added later.',
    code: 'history_not_written',
    cause
  })
