import type { Observation } from '../../model/observation.ts'
import { isAlive } from '../../support/is-alive.ts'
import type { JournalRecord } from './journal.ts'

/** No rollback runs for so long, the wait for a person and the way back included. */
const oldMs = 24 * 3_600_000

/**
 * Journals without an end that came here from another machine (committed, synchronized), are older than a day, left no mark on the
 * target, and have nothing to finish or undo there: what serves is healthy, or neither of their two versions.
 */
export const settledElsewhere = (
  journalRecords: readonly JournalRecord[],
  observation: Observation,
  now: string
): JournalRecord[] =>
  journalRecords.filter(
    (journalRecord) =>
      journalRecord.ended === null &&
      isAlive(lastHolder(journalRecord)) === null &&
      Date.parse(now) - Date.parse(journalRecord.events.at(-1)?.at ?? journalRecord.begun.at) > oldMs &&
      observation.lease?.record.rollbackId !== journalRecord.begun.rollbackId &&
      (observation.health.state === 'healthy' || isOvertaken(journalRecord, observation))
  )

const lastHolder = ({ begun, events }: JournalRecord): JournalRecord['begun']['holder'] =>
  events.findLast((event) => event.event === 'resumed')?.holder ?? begun.holder

const isOvertaken = ({ begun: { from, to } }: JournalRecord, { current }: Observation): boolean =>
  current !== null && current.id !== to.id && current.id !== from?.id

/** One line for people about each. */
export const settledNotes = (settled: readonly JournalRecord[], { current, health }: Observation): string[] =>
  settled.map(
    ({ begun }) =>
      `${begun.rollbackId}, begun at ${begun.at} on ${begun.holder.host}, never ended by its journal here; it is taken as settled, for ${current?.version ?? 'what serves'} is ${health.state === 'healthy' ? 'healthy' : 'in place now'}.`
  )
