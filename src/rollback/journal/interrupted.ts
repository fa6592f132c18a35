import type { Holder, LeaseRecord } from '../../model/lease.ts'
import type { Blocker, Observation } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import { camelCase } from '../../support/casing.ts'
import { isAlive } from '../../support/is-alive.ts'
import { liveLease, lockHolder } from '../guard/lock.ts'
import { type JournalRecord, journalRecordOf, otherFormatWhy, type UnreadableJournal } from './journal.ts'
import { begunSchema, journalFormat } from './journal-events.ts'
import { type ResumeKind, type ResumeOption, resumeOptions } from './resume-options.ts'

/** A rollback that began and never ended, with its open options. */
export interface Interrupted {
  rollbackId: string
  startedAt: string
  holder: Holder
  from: Release | null
  to: Release
  /** Where it is known from: the journal here, or only the lease on the target. */
  knownFrom: 'journal' | 'target'
  record: JournalRecord
  /** What happened to it, and why an option is not open; one sentence each. */
  reasons: string[]
  /** The open options, first the one that goes on in the direction that it had. */
  options: ResumeOption[]
}

export const resumeOption = ({ options }: Interrupted, wanted: ResumeKind): ResumeOption | null =>
  options.find(({ kind }) => kind === wanted) ?? null

/** Finds the newest rollback of this target that has neither ended nor is still running. */
export async function findInterrupted(
  lockPath: string,
  observation: Observation,
  records: readonly JournalRecord[]
): Promise<Interrupted | null> {
  const holder = await lockHolder(lockPath)
  const live = liveLease(observation)
  const runs = (id: string): boolean => id === holder?.rollbackId || id === live?.rollbackId
  const open = records.find(({ ended, begun }) => ended === null && !runs(begun.rollbackId))
  if (open && !isSuperseded(open, records)) return interruptedAs(open, observation, 'journal')
  const leased = journalOfLease(observation)
  if (!leased || runs(leased.begun.rollbackId)) return null
  const known = records.some(({ begun, ended }) => ended && begun.rollbackId === leased.begun.rollbackId)
  return known ? null : interruptedAs(leased, observation, 'target')
}

/** A later rollback that ended has settled what an earlier one left open. */
const isSuperseded = (open: JournalRecord, records: readonly JournalRecord[]): boolean =>
  records.some(({ begun, ended }) => ended && begun.at > open.begun.at && ended.outcome !== 'refused')

/** The lease tells what began, and whether it was proven; not how far it came otherwise. */
function journalOfLease({ lease }: Observation): JournalRecord | null {
  if (!lease) return null
  const { startedAt: at, proven } = lease.record
  const begun = begunSchema.safeParse(camelCase(lease.record.begun))
  if (!begun.success) return null
  const mayHaveBegun = begun.data.steps.filter(({ phase }) => proven || phase !== 'cleanup')
  const started = mayHaveBegun.map(({ id }) => ({ event: 'step' as const, at, stepId: id, state: 'started' as const }))
  return journalRecordOf('', [begun.data, { event: 'leased', at }, ...started])
}

/** An unfinished rollback with the options that its journal and the observation leave open. */
export function interruptedAs(
  record: JournalRecord,
  observation: Observation,
  knownFrom: Interrupted['knownFrom']
): Interrupted {
  const { rollbackId, at: startedAt, holder, from, to } = record.begun
  return { rollbackId, startedAt, holder, from, to, knownFrom, record, ...resumeOptions(record, observation) }
}

/** Blockers for rollbacks that may be half finished and whose journal, or lease, has another format. */
export function unreadableBlockers(unreadable: readonly UnreadableJournal[], observation: Observation): Blocker[] {
  const { lease } = observation
  const journals = unreadable
    .filter(({ ended }) => !ended)
    .map(({ path }) => ({
      id: 'journal_format',
      what: `An unfinished rollback is in the journal ${path}, which cannot be used`,
      why: otherFormatWhy,
      next: `Check what serves. Finish or undo that rollback with the version that began it, or manually, then move ${path} to another folder.`
    }))
  return [
    ...journals,
    ...(lease && !liveLease(observation) && isOtherFormat(lease.record) ? [unreadableLease(lease.record)] : [])
  ]
}

const isOtherFormat = ({ begun }: LeaseRecord): boolean => begun.event === 'begun' && begun.format !== journalFormat

const unreadableLease = ({ rollbackId, holder }: LeaseRecord): Blocker => ({
  id: 'lease_format',
  what: `The target holds the lease of the rollback ${rollbackId}, which cannot be used`,
  why: otherFormatWhy,
  next: `Ask ${holder.user} on ${holder.host} to finish or undo it with the version that began it, then assess again.`
})

/** A line for each ended journal of another format: it is no evidence. */
export const unreadableNotes = (unreadable: readonly UnreadableJournal[]): string[] =>
  unreadable
    .filter(({ ended }) => ended)
    .map(({ path }) => `The journal ${path} was not used: ${otherFormatWhy}. Its rollback has ended.`)

/** No rollback runs that long, a wait for a person and an undo included. */
const oldMs = 24 * 3_600_000

/**
 * Unfinished journals from another machine (committed, synchronized) that are older than a day, hold no lease, and have nothing to
 * finish or undo: what serves is healthy, or is neither of their two versions.
 */
export const settledElsewhere = (
  records: readonly JournalRecord[],
  observation: Observation,
  now: string
): JournalRecord[] =>
  records.filter(
    (record) =>
      record.ended === null &&
      isAlive(lastHolder(record)) === null &&
      Date.parse(now) - Date.parse(record.events.at(-1)?.at ?? record.begun.at) > oldMs &&
      observation.lease?.record.rollbackId !== record.begun.rollbackId &&
      (observation.health.state === 'healthy' || isOvertaken(record, observation))
  )

const lastHolder = ({ begun, events }: JournalRecord): Holder =>
  events.findLast((event) => event.event === 'resumed')?.holder ?? begun.holder

const isOvertaken = ({ begun: { from, to } }: JournalRecord, { current }: Observation): boolean =>
  current !== null && current.id !== to.id && current.id !== from?.id

/** One line for people about each. */
export const settledNotes = (settled: readonly JournalRecord[], { current, health }: Observation): string[] =>
  settled.map(
    ({ begun }) =>
      `${begun.rollbackId}, begun at ${begun.at} on ${begun.holder.host}, never ended in its journal here. It is taken as settled: ${current?.version ?? 'what serves'} is ${health.state === 'healthy' ? 'healthy' : 'deployed now'}.`
  )
