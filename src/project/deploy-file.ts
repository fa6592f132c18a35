import { readFile, stat } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { DeploymentRecord } from '../model/deployment-record.ts'
import type { Frozen } from '../model/frozen.ts'
import type { JsonObject } from '../model/json.ts'
import { type NotifySetting, notifySchema } from '../model/notify.ts'
import { ConfigError, messageOf } from '../support/errors.ts'
import { tooDeepAt } from '../support/nesting.ts'
import { deployHeaderSchema, type TargetEntry } from './deploy-schema.ts'
import { readFrozen } from './frozen.ts'
import { readHistory } from './history.ts'
import { decodeJson, type JsonText, parseJson, placeOf, printPath, unusable } from './json-text.ts'
import type { ProjectPaths } from './paths.ts'
import { locateDeployFile } from './paths.ts'

/** A target as deploy.json, or a look into the project, names it. */
export interface ProjectTarget {
  name: string
  type: string
  enabled: boolean
  primary: boolean
  config: JsonObject
  /** As they are written. */
  signals?: readonly unknown[]
}

/** `release_group` of deploy.json. */
export interface ReleaseGroupSettings {
  order: readonly string[]
  onFailure: 'stop' | 'continue' | 'undo'
}

export interface DeployFile {
  path: string
  text: string
  /** The targets as they are written, by name. */
  entries: Record<string, TargetEntry>
  targets: Map<string, ProjectTarget>
  group: ReleaseGroupSettings
  /** The freezes of all targets that can be read, newest first. */
  frozen: readonly Frozen[]
  /** Who is told of a rollback, as far as it can be read. */
  notify: readonly NotifySetting[]
  /** The readable records of all targets, newest first. */
  records: readonly DeploymentRecord[]
  /** Lines for people: what was found odd. */
  notes: string[]
}

const maxBytes = 64 * 1024 * 1024

/**
 * Reads deploy.json; null when there is none. The file is left alone, whatever is wrong with it.
 * @throws ConfigError naming line and column, or the JSON path, of what cannot be used.
 */
export async function readDeployFile(paths: ProjectPaths, env: NodeJS.ProcessEnv): Promise<DeployFile | null> {
  const { path, fromPluginData } = locateDeployFile(paths, env)
  const read = await readJsonFile(path)
  if (!read) return null
  const header = checkedHeader(path, read)
  const entries = header.targets ?? {}
  const targets = new Map(Object.entries(entries).map(([name, entry]) => [name, targetOf(name, entry)] as const))
  const { records, notes } = readHistory(header.history ?? [])
  const notify = readNotify(header.notify, notes)
  if (fromPluginData)
    notes.unshift(
      `The project has no deploy.json; ${path} was read, in the folder that CLAUDE_PLUGIN_DATA names; it is about ${header.project_name ?? 'a project it does not name'}.`
    )
  const { order, on_failure: onFailure } = header.release_group ?? {}
  const group = { order: order ?? [], onFailure: onFailure ?? 'stop' }
  const frozen = readFrozen(header.frozen)
  return { path, text: read.text, entries, targets, group, frozen, notify, records, notes }
}

export interface ReadJson extends JsonText {
  value: unknown
}

/**
 * Reads and parses; null when there is no file. Other tools write it in place, so a file that was just written and does not
 * parse is read again for a moment.
 */
export async function readJsonFile(path: string): Promise<ReadJson | null> {
  for (let attempt = 1; ; attempt++) {
    const bytes = await bytesOf(path)
    if (!bytes) return null
    try {
      const json = decodeJson(path, bytes)
      const value = parseJson(path, json.text)
      const deep = tooDeepAt(value)
      if (deep) throw unusable(path, `${printPath(deep)} is nested too deep`, 'Take it out')
      return { ...json, value }
    } catch (error) {
      if (attempt === 5 || !(await wasJustWritten(path))) throw error
      await wait(60)
    }
  }
}

/** @throws ConfigError naming the JSON path, line and column of the first wrong shape. */
export function checkedHeader(path: string, { text, value }: ReadJson): ReturnType<typeof deployHeaderSchema.parse> {
  const history = (value as { history?: unknown } | null)?.history
  const parsed = deployHeaderSchema.safeParse(Array.isArray(history) ? { ...(value as object), history: [] } : value)
  if (parsed.success) return { ...parsed.data, history: history as unknown[] }
  const issue = parsed.error.issues[0]
  const steps = (issue?.path ?? []) as (string | number)[]
  const place = placeOf(text, steps)
  const why = `${printPath(steps) || 'the file'}${place && ` (${place})`}: ${issue?.message ?? 'not as expected'}`
  throw unusable(path, why, 'Correct it there')
}

/** A setting that cannot be read must not keep anyone from a rollback; a note says that it has no effect. */
function readNotify(raw: unknown, notes: string[]): NotifySetting[] {
  if (raw == null) return []
  const all = Array.isArray(raw) ? raw : [raw]
  return all.flatMap((entry, index) => {
    const { success, data, error } = notifySchema.safeParse(entry)
    if (success) return [data]
    const [issue] = error.issues
    const where = ['notify', index, ...(issue?.path ?? [])]
    notes.push(`deploy.json: ${printPath(where)} has no effect: ${issue?.message ?? 'not as expected'}.`)
    return []
  })
}

const targetOf = (name: string, entry: TargetEntry): ProjectTarget => ({
  name,
  type: entry.type ?? name,
  enabled: entry.enabled ?? true,
  primary: entry.primary ?? false,
  config: entry.config ?? {},
  ...(entry.signals && { signals: entry.signals })
})

async function bytesOf(path: string): Promise<Buffer | null> {
  try {
    const file = await stat(path)
    const { size } = file
    // A device or a pipe in its place would never end.
    if (!file.isFile())
      throw unusable(path, 'it cannot be read: it is no regular file', 'Put the file itself in its place')
    if (size > maxBytes)
      throw unusable(path, `it has ${size} bytes, more than ${maxBytes}`, 'Move old history out of it')
    return await readFile(path)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw unusable(path, `it cannot be read: ${messageOf(error)}`, 'Make it readable', error)
  }
}

const wasJustWritten = async (path: string): Promise<boolean> =>
  stat(path).then(
    ({ mtimeMs }) => Math.abs(Date.now() - mtimeMs) < 2000,
    () => false
  )
