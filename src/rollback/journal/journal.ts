import { access, constants, mkdir, open, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type JsonObject, jsonObject } from '../../model/json.ts'
import { syncFolder } from '../../project/replace-file.ts'
import { camelCase, snakeCase } from '../../support/casing.ts'
import { type Clock, isoNow } from '../../support/clock.ts'
import { ConfigError, InputError, messageOf } from '../../support/errors.ts'
import type { Mask } from '../../support/mask.ts'
import { tooDeepAt } from '../../support/nesting.ts'
import { readOwnText } from '../../support/read-text.ts'
import {
  type Begun,
  type Ended,
  type Entry,
  type JournalEvent,
  journalEventSchema,
  journalFormat
} from './journal-events.ts'

/** A rollback's journal: one JSON line per event, on disk before the next thing happens. */
export interface Journal {
  readonly path: string
  /** @throws when the line is not on disk. */
  append(entry: Entry): Promise<void>
  /** Appends without throwing, where the work must go on: during an undo, and once a step is done. */
  attempt(entry: Entry): Promise<void>
  /** Copies events of another machine, with their times. */
  copy(events: readonly JournalEvent[]): Promise<void>
  close(): Promise<void>
}

/**
 * Opens a journal for appending; creates it where there is none.
 * @throws ConfigError when it cannot be written; no rollback may begin then.
 */
export async function openJournal(path: string, clock: Clock, mask: Mask): Promise<Journal> {
  const handle = await openForAppend(path)
  let queue = Promise.resolve()
  let torn = await endsInTornLine(path)
  const write = async (line: string): Promise<void> => {
    const text = torn ? `\n${line}` : line
    // A write that failed may have left a part of its line; the next one starts on a line of its own.
    torn = true
    await handle.appendFile(text)
    torn = false
    await handle.datasync()
  }
  const put = (event: Record<string, unknown>): Promise<void> => {
    const line = `${JSON.stringify(snakeCase(event))}\n`
    const written = queue.then(() => write(line))
    queue = written.catch(() => undefined)
    return written
  }
  const append = (entry: Entry): Promise<void> => put({ ...mask.record(entry), at: isoNow(clock) })
  return {
    path,
    append,
    attempt: (entry) => append(entry).catch(() => undefined),
    async copy(events) {
      for (const event of events) await put(mask.record(event))
    },
    async close() {
      await queue
      await handle.close()
    }
  }
}

async function openForAppend(path: string) {
  try {
    await mkdir(dirname(path), { recursive: true })
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants
    const handle = await open(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_RDWR)
    await syncFolder(dirname(path))
    return handle
  } catch (error) {
    throw unwritable(path, error)
  }
}

/** @throws ConfigError where a journal could not be written to this folder; creates nothing. */
export async function checkJournalWritable(folder: string): Promise<void> {
  try {
    await access(await nearestExisting(folder), constants.W_OK | constants.X_OK)
  } catch (error) {
    throw unwritable(folder, error)
  }
}

async function nearestExisting(folder: string): Promise<string> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error)
  if (!(found instanceof Error)) {
    if (found.isDirectory()) return folder
    throw new Error(`${folder} is not a folder`)
  }
  if (found.code === 'ENOENT' && dirname(folder) !== folder) return nearestExisting(dirname(folder))
  throw found
}

const unwritable = (path: string, cause: unknown): ConfigError =>
  new ConfigError({
    what: `The journal cannot be written to ${path}`,
    why: messageOf(cause),
    next: 'Make the folder writable; a rollback needs its journal.',
    code: 'journal_unwritable',
    cause
  })

const endsInTornLine = async (path: string): Promise<boolean> => {
  const text = await readOwnText(path)
  return text !== '' && !text.endsWith('\n')
}

/** A journal, read back. */
export interface JournalRecord {
  path: string
  begun: Begun
  events: JournalEvent[]
  /** How it ended; null while it runs, or when it was interrupted. */
  ended: Ended | null
}

/** A journal of another format, which is not read; only what every format has is known of it. */
export interface UnreadableJournal {
  path: string
  target: string | null
  ended: boolean
}

interface Journals {
  /** Newest first. */
  records: JournalRecord[]
  unreadable: UnreadableJournal[]
}

/** Makes a record of events; null when they have no beginning. */
export function journalRecordOf(path: string, events: JournalEvent[]): JournalRecord | null {
  const begun = events.find((event) => event.event === 'begun')
  if (!begun) return null
  const last = events.findLast((event) => event.event === 'ended' || event.event === 'resumed')
  return { path, begun, events, ended: last?.event === 'ended' ? last : null }
}

/** Reads one journal. A torn or foreign line is skipped. */
export async function readJournal(path: string): Promise<JournalRecord | UnreadableJournal | null> {
  const lines = (await readOwnText(path)).split('\n').flatMap(parseLine)
  const begun = lines.find(({ event }) => event === 'begun')
  if (begun && begun.format !== journalFormat)
    return {
      path,
      target: typeof begun.target === 'string' ? begun.target : null,
      ended: lines.findLast(({ event }) => event === 'ended' || event === 'resumed')?.event === 'ended'
    }
  const events = lines.flatMap((line) => {
    const parsed = journalEventSchema.safeParse(camelCase(line))
    return parsed.success ? [parsed.data] : []
  })
  return journalRecordOf(path, events)
}

function parseLine(line: string): JsonObject[] {
  try {
    const value: unknown = JSON.parse(line)
    const parsed = jsonObject.safeParse(tooDeepAt(value) ? null : value)
    return parsed.success ? [parsed.data] : []
  } catch {
    return []
  }
}

export const isUnreadable = (journal: JournalRecord | UnreadableJournal): journal is UnreadableJournal =>
  !('begun' in journal)

/** The error for a journal of another format. */
const otherFormat = ({ path }: UnreadableJournal): ConfigError =>
  new ConfigError({
    what: `The journal ${path} cannot be used`,
    why: otherFormatWhy,
    next: 'Read its last line to see how the rollback ended.',
    code: 'journal_format'
  })

export const otherFormatWhy =
  'another version of pop-deploy-rollback wrote it, in a format that this version does not read'

/** All journals of a folder; of one target where it is named. One whose target is unknown belongs to each. */
export async function readJournals(dir: string, target?: string): Promise<Journals> {
  const names = await readdir(dir).catch(() => [])
  const files = names.filter((name) => /^rb-[\w-]+\.jsonl$/.test(name))
  const journals = await Promise.all(files.map((name) => readJournal(join(dir, name)).catch(() => null)))
  const found = journals.filter((journal) => journal !== null)
  return {
    records: found
      .filter((journal): journal is JournalRecord => !isUnreadable(journal))
      .filter(({ begun }) => target === undefined || begun.target === target)
      .sort((a, b) => b.begun.at.localeCompare(a.begun.at) || b.path.localeCompare(a.path)),
    unreadable: found
      .filter(isUnreadable)
      .filter((journal) => target === undefined || journal.target === null || journal.target === target)
  }
}

/** Reads the journal of one rollback. @throws InputError when there is none; ConfigError when its format is another. */
export async function journalById(dir: string, rollbackId: string): Promise<JournalRecord> {
  const journal = await readJournal(join(dir, `${rollbackId}.jsonl`)).catch(() => null)
  if (journal && isUnreadable(journal)) throw otherFormat(journal)
  if (journal) return journal
  throw new InputError({
    what: `There is no rollback ${rollbackId}`,
    why: `${dir} holds no journal of that name`,
    next: 'Pass the rollback_id of the rollback, or name the target instead.',
    code: 'unknown_rollback'
  })
}

/** The newest rollback of a target that was not refused. */
export const newestRollback = async (dir: string, target?: string): Promise<JournalRecord | null> =>
  (await readJournals(dir, target)).records.find(({ ended }) => ended?.outcome !== 'refused') ?? null

export interface StepInEffect {
  done: boolean
  recorded?: JsonObject
  remains?: string[]
}

/** The steps that were begun, and perhaps done, and not reverted since. */
export function stepsInEffect({ events }: Pick<JournalRecord, 'events'>): Map<string, StepInEffect> {
  const inEffect = new Map<string, StepInEffect>()
  for (const event of events) {
    if (event.event === 'step') {
      const recorded = event.recorded ?? inEffect.get(event.stepId)?.recorded
      inEffect.set(event.stepId, {
        done: event.state === 'done',
        ...(recorded && { recorded }),
        ...(event.remains && { remains: event.remains })
      })
    } else if (event.event === 'revert' && event.state === 'done') inEffect.delete(event.stepId)
  }
  return inEffect
}
