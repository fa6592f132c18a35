import { lstat, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type JsonObject, jsonObject } from '../../model/json.ts'
import type { Release } from '../../model/release.ts'
import { camelCase } from '../../support/casing.ts'
import { systemClock } from '../../support/clock.ts'
import { ConfigError, InputError, messageOf } from '../../support/errors.ts'
import { tooDeepAt } from '../../support/nesting.ts'
import { readOwnText } from '../../support/read-text.ts'
import { type Begun, type Ended, type JournalEvent, journalEventSchema, journalFormat } from './journal-events.ts'
import { whyImpossible, whyTooLate } from './possible.ts'

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
  /** One line for people about each journal that was not used. */
  notes: string[]
}

/** Makes a record of events; null when they have no beginning. */
export function journalRecordOf(path: string, events: JournalEvent[]): JournalRecord | null {
  const begun = events.find((event) => event.event === 'begun')
  if (!begun) return null
  const last = events.findLast((event) => event.event === 'ended' || event.event === 'resumed')
  return { path, begun, events, ended: last?.event === 'ended' ? last : null }
}

/** A journal that no rollback wrote as it is: no evidence. */
class InvalidJournal extends Error {
  readonly target: unknown

  constructor(why: string, target?: unknown) {
    super(why)
    this.target = target
  }
}

const mostBytes = 4 * 1024 * 1024
const mostLines = 20_000

/**
 * Reads one journal. A torn line, and an event that this version does not know, are skipped.
 * @throws Error where it is no regular file, larger than journals are, or impossible: an event that is not valid, or a time.
 */
export async function readJournal(
  path: string,
  now: Date = systemClock.now()
): Promise<JournalRecord | UnreadableJournal | null> {
  const text = await readOwnText(path, mostBytes)
  const lines = text.split('\n', mostLines + 1)
  if (lines.length > mostLines) throw new InvalidJournal(`it has more than ${mostLines} lines`)
  const events = lines.flatMap(parseLine)
  const begun = events.find(({ event }) => event === 'begun')
  const target = begun?.target
  if (begun && begun.format !== journalFormat) {
    const why = whyTooLate(begun.at, now)
    if (why) throw new InvalidJournal(why, target)
    return {
      path,
      target: typeof target === 'string' ? target : null,
      ended: events.findLast(({ event }) => event === 'ended' || event === 'resumed')?.event === 'ended'
    }
  }
  const record = journalRecordOf(path, events.flatMap(eventOf))
  const why = record && whyImpossible(record.begun, record.events, now)
  if (why) throw new InvalidJournal(why, target)
  return record
}

const knownEvents = new Set<unknown>(journalEventSchema.options.map(({ shape }) => shape.event.value))

function eventOf(line: JsonObject): JournalEvent[] {
  if (!knownEvents.has(line.event)) return []
  const parsed = journalEventSchema.safeParse(camelCase(line))
  if (parsed.success) return [parsed.data]
  throw new InvalidJournal(`its event "${line.event}" is not valid`, line.target)
}

/** The object in a line; none where it is torn, no object, or nested too deep. */
export function parseLine(line: string): JsonObject[] {
  try {
    const value: unknown = JSON.parse(line)
    const parsed = jsonObject.safeParse(tooDeepAt(value) ? null : value)
    return parsed.success ? [parsed.data] : []
  } catch {
    return []
  }
}

/** The same, of a file that must be named after its rollback and lie in the folder itself. */
async function readNamed(path: string, now: Date): Promise<JournalRecord | UnreadableJournal | null> {
  if ((await lstat(path)).isSymbolicLink()) throw new InvalidJournal('it is a link to another file')
  const journal = await readJournal(path, now)
  if (!journal || isUnreadable(journal) || journal.begun.rollbackId === basename(path, '.jsonl')) return journal
  throw new InvalidJournal('its name is not the id of its rollback', journal.begun.target)
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

const mostJournals = 1000
const mostNotes = 5

/** The journals of a folder, the newest 1,000 of them; of one target where it is named. One whose target is unknown belongs to each. */
export async function readJournals(dir: string, target?: string, now: Date = systemClock.now()): Promise<Journals> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => /^rb-[\w-]+\.jsonl$/.test(name))
  const found: (JournalRecord | UnreadableJournal)[] = []
  const notes: string[] = []
  const concerns = (of: unknown): boolean => target === undefined || typeof of !== 'string' || of === target
  const possible = names
    .filter((name) => !isOfTheFuture(name, now))
    .sort()
    .reverse()
  for (const path of possible.slice(0, mostJournals).map((name) => join(dir, name))) {
    try {
      const journal = await readNamed(path, now)
      if (journal && concerns(isUnreadable(journal) ? journal.target : journal.begun.target)) found.push(journal)
    } catch (error) {
      if (error instanceof InvalidJournal && !concerns(error.target)) continue
      notes.push(notUsed(path, messageOf(error)))
    }
  }
  for (const name of names.filter((one) => isOfTheFuture(one, now)))
    notes.push(notUsed(join(dir, name), 'its name holds no time that has been'))
  return {
    records: found
      .filter((journal): journal is JournalRecord => !isUnreadable(journal))
      .sort((a, b) => b.begun.at.localeCompare(a.begun.at) || b.path.localeCompare(a.path)),
    unreadable: found.filter(isUnreadable),
    notes: [
      ...notes.slice(0, mostNotes),
      ...(notes.length > mostNotes ? [`${notes.length - mostNotes} more journals in ${dir} were not used.`] : []),
      ...(possible.length > mostJournals
        ? [`${dir} holds ${possible.length} journals. Only the newest ${mostJournals} were read.`]
        : [])
    ]
  }
}

const notUsed = (path: string, why: string): string =>
  `The journal ${path} was not used: ${why}. If it is not yours, find out who put it there, and remove it.`

/** The time in `rb-YYYYMMDD-HHMMSS-<target>`. */
function isOfTheFuture(name: string, now: Date): boolean {
  const [, ...parts] = /^rb-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-/.exec(name) ?? []
  const [year, month, day, hour, minute, second] = parts
  return parts.length > 0 && whyTooLate(`${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`, now) !== null
}

/**
 * Reads the journal of one rollback.
 * @throws InputError when there is none; ConfigError when its format is another, or it is invalid.
 */
export async function journalById(
  dir: string,
  rollbackId: string,
  now: Date = systemClock.now()
): Promise<JournalRecord> {
  const path = join(dir, `${rollbackId}.jsonl`)
  const journal = await readNamed(path, now).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw invalid(path, error)
  })
  if (journal && isUnreadable(journal)) throw otherFormat(journal)
  if (journal) return journal
  throw new InputError({
    what: `There is no rollback ${rollbackId}`,
    why: `${dir} holds no journal of that name`,
    next: 'Pass the rollback_id of the rollback, or name the target instead.',
    code: 'unknown_rollback'
  })
}

const invalid = (path: string, error: Error): ConfigError =>
  new ConfigError({
    what: `The journal ${path} cannot be used`,
    why: messageOf(error),
    next: 'If it is not yours, find out who put it there, and remove it. Then assess the target.',
    code: 'journal_invalid'
  })

/** The newest rollback of a target that was not refused. */
export const newestRollback = async (dir: string, target?: string, now?: Date): Promise<JournalRecord | null> =>
  (await readJournals(dir, target, now)).records.find(({ ended }) => ended?.outcome !== 'refused') ?? null

/** What should serve after a rollback with this end; null for a closed one, which left what serves as it was. */
export const servesAfter = ({ begun, events, ended }: JournalRecord): Release | null => {
  if (ended && events.some((event) => event.event === 'resumed' && event.kind === 'close')) return null
  return ended && (ended.outcome === 'undone' || ended.outcome === 'cancelled') ? begun.from : begun.to
}

export interface StepInEffect {
  done: boolean
  remains?: string[]
}

/** The steps that were begun, and perhaps done, and not reverted since. */
export function stepsInEffect({ events }: Pick<JournalRecord, 'events'>): Map<string, StepInEffect> {
  const inEffect = new Map<string, StepInEffect>()
  for (const event of events) {
    if (event.event === 'step') {
      inEffect.set(event.stepId, {
        done: event.state === 'done',
        ...(event.remains && { remains: event.remains })
      })
    } else if (event.event === 'revert') {
      const step = inEffect.get(event.stepId)
      if (event.state === 'done') inEffect.delete(event.stepId)
      // One that did not end may have undone a part.
      else if (step) inEffect.set(event.stepId, { ...step, done: false })
    }
  }
  return inEffect
}
