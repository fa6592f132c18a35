import { mkdir, open, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { JsonObject } from '../../model/json.ts'
import { camelCase, snakeCase } from '../../support/casing.ts'
import { type Clock, isoNow } from '../../support/clock.ts'
import { ConfigError, messageOf } from '../../support/errors.ts'
import type { Mask } from '../../support/mask.ts'
import { readText } from '../../support/read-text.ts'
import { type Begun, type Ended, type Entry, type JournalEvent, journalEventSchema } from './journal-events.ts'

/** A rollback's journal: one JSON line per event, on disk before the next thing happens. */
export interface Journal {
  readonly path: string
  /** @throws when the line is not on disk. */
  append(entry: Entry): Promise<void>
  /** The same where the work must go on regardless: on the way back, and once a step is done. */
  attempt(entry: Entry): Promise<void>
  /** Takes over what happened elsewhere, with the times at which it did. */
  copy(events: readonly JournalEvent[]): Promise<void>
  close(): Promise<void>
}

/**
 * Opens a journal for appending and creates it if need be.
 * @throws ConfigError when it cannot be written; then nothing may be begun.
 */
export async function openJournal(path: string, clock: Clock, mask: Mask): Promise<Journal> {
  const handle = await openForAppend(path)
  let queue = Promise.resolve()
  let torn = await endsInTornLine(path)
  const write = async (line: string): Promise<void> => {
    const text = torn ? `\n${line}` : line
    // A write that fails may have left a part of itself, which the next line must not be glued to.
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
    const handle = await open(path, 'a+')
    await syncFolder(dirname(path))
    return handle
  } catch (error) {
    throw new ConfigError({
      what: `The journal ${path} cannot be written`,
      why: messageOf(error),
      next: 'Make the folder writable; without a journal no rollback is begun.',
      code: 'journal_unwritable',
      cause: error
    })
  }
}

/** A file that was just made is not there after a power failure unless its folder is on disk, too; not every system can do that. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => null)
  await folder?.sync().catch(() => undefined)
  await folder?.close()
}

const endsInTornLine = async (path: string): Promise<boolean> => {
  const text = await readText(path)
  return text !== '' && !text.endsWith('\n')
}

/** What a journal tells, read back. */
export interface JournalRecord {
  path: string
  begun: Begun
  events: JournalEvent[]
  /** How it ended; null while it runs, or when it was interrupted. */
  ended: Ended | null
}

/** Makes a journalRecord out of events; null when they hold no beginning. */
export function journalRecordOf(path: string, events: JournalEvent[]): JournalRecord | null {
  const begun = events.find((event) => event.event === 'begun')
  if (!begun) return null
  const last = events.findLast((event) => event.event === 'ended' || event.event === 'resumed')
  return { path, begun, events, ended: last?.event === 'ended' ? last : null }
}

/** Reads one journal; a torn or foreign line is passed over. */
export const readJournal = async (path: string): Promise<JournalRecord | null> =>
  journalRecordOf(path, (await readText(path)).split('\n').flatMap(parseLine))

function parseLine(line: string): JournalEvent[] {
  if (line.trim() === '') return []
  try {
    const parsed = journalEventSchema.safeParse(camelCase(JSON.parse(line)))
    return parsed.success ? [parsed.data] : []
  } catch {
    return []
  }
}

/** All readable journals of a folder, newest first; of one target where it is named. */
export async function readJournals(dir: string, target?: string): Promise<JournalRecord[]> {
  const names = await readdir(dir).catch(() => [])
  const files = names.filter((name) => /^rb-[\w-]+\.jsonl$/.test(name))
  const journalRecords = await Promise.all(files.map((name) => readJournal(join(dir, name)).catch(() => null)))
  return journalRecords
    .filter(
      (journalRecord): journalRecord is JournalRecord =>
        journalRecord !== null && (target === undefined || journalRecord.begun.target === target)
    )
    .sort((a, b) => b.begun.at.localeCompare(a.begun.at) || b.path.localeCompare(a.path))
}

export interface StepInEffect {
  done: boolean
  recorded?: JsonObject
  remains?: string[]
}

/** The steps that were begun, and perhaps done, and not reverted since. */
export function stepsInEffect(journalRecord: JournalRecord): Map<string, StepInEffect> {
  const inEffect = new Map<string, StepInEffect>()
  for (const event of journalRecord.events) {
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
