import type { Holder } from '../../model/lease.ts'
import type { Observation } from '../../model/observation.ts'
import { isAlive } from '../../support/is-alive.ts'
import { nameOf } from '../guard/lock.ts'
import { type JournalRecord, servesAfter } from './journal.ts'

/** No rollback runs that long, a wait for a person and an undo included. */
const oldMs = 24 * 3_600_000

/** Unfinished journals that leave nothing to finish or undo, each with a line for people that says why. */
export function settledRecords(
  records: readonly JournalRecord[],
  observation: Observation,
  now: string
): Map<JournalRecord, string> {
  const settled = new Map<JournalRecord, string>()
  for (const record of records.filter(({ ended }) => ended === null)) {
    if (observation.lease?.record.rollbackId === record.begun.rollbackId) continue
    const later = laterRollback(record, records, observation)
    if (later) settled.set(record, `${unended(record)}. It is taken as settled: ${later.begun.rollbackId} ended later.`)
    else if (isSettledElsewhere(record, observation, now))
      settled.set(record, `${unended(record)}. It is taken as settled: ${settledBy(observation)}.`)
  }
  return settled
}

const unended = ({ begun }: JournalRecord): string =>
  `${begun.rollbackId}, begun at ${begun.at} on ${nameOf(begun.holder, 'host')}, never ended in its journal here`

const settledBy = ({ current, health }: Observation): string =>
  `${current?.version ?? 'what serves'} is ${health.state === 'healthy' ? 'healthy' : 'deployed now'}`

/** A later rollback that ended, and of which the target shows the end, or a deployment since then. */
const laterRollback = (
  open: JournalRecord,
  records: readonly JournalRecord[],
  observation: Observation
): JournalRecord | undefined =>
  observation.mixedReleases
    ? undefined
    : records.find((record) => {
        const { begun, ended } = record
        if (!ended || ended.outcome === 'refused' || begun.at <= open.begun.at) return false
        const left = servesAfter(record)
        return left === null || left.id === observation.current?.id || isOvertaken(open, observation)
      })

/** From another machine (committed, synchronized), older than a day, and what serves is healthy or neither of its two versions. */
const isSettledElsewhere = (record: JournalRecord, observation: Observation, now: string): boolean =>
  isAlive(lastHolder(record)) === null &&
  Date.parse(now) - Date.parse(record.events.at(-1)?.at ?? record.begun.at) > oldMs &&
  (observation.health.state === 'healthy' || isOvertaken(record, observation))

const lastHolder = ({ begun, events }: JournalRecord): Holder =>
  events.findLast((event) => event.event === 'resumed')?.holder ?? begun.holder

const isOvertaken = ({ begun: { from, to } }: JournalRecord, { current }: Observation): boolean =>
  current !== null && current.id !== to.id && current.id !== from?.id
