import { access, constants, mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '../../project/replace-file.ts'
import { snakeCase } from '../../support/casing.ts'
import { type Clock, isoNow } from '../../support/clock.ts'
import { ConfigError, messageOf } from '../../support/errors.ts'
import type { Mask } from '../../support/mask.ts'
import { readOwnText } from '../../support/read-text.ts'
import type { Entry, JournalEvent } from './journal-events.ts'

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

/** A file of JSON lines that only grows. */
export interface LineLog<Line> {
  readonly path: string
  /** @throws when the line is not on disk. */
  append(line: Line): Promise<void>
  /** Appends a line that has its time already. */
  copy(line: Line & { at: string }): Promise<void>
  close(): Promise<void>
}

/**
 * Opens a journal for appending; creates it where there is none.
 * @throws ConfigError when it cannot be written; no rollback may begin then.
 */
export async function openJournal(path: string, clock: Clock, mask: Mask): Promise<Journal> {
  const log = await openLineLog<Entry>(path, clock, mask)
  return {
    path,
    append: log.append,
    attempt: (entry) => log.append(entry).catch(() => undefined),
    async copy(events) {
      for (const event of events) await log.copy(event)
    },
    close: log.close
  }
}

/** Opens a file of JSON lines for appending, each with its time. @throws ConfigError when it cannot be written. */
export async function openLineLog<Line extends object>(path: string, clock: Clock, mask: Mask): Promise<LineLog<Line>> {
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
  return {
    path,
    append: (line) => put({ ...mask.record(line), at: isoNow(clock) }),
    copy: (line) => put({ ...mask.record(line) }),
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
