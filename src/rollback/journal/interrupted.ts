import type { LeaseRecord } from '../../model/lease.ts'
import type { Blocker, Observation, Risk } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import { camelCase } from '../../support/casing.ts'
import { isAlive } from '../../support/is-alive.ts'
import { lockHolder, waitFor } from '../guard/lock.ts'
import type { Session } from '../session.ts'
import { type JournalRecord, journalRecordOf } from './journal.ts'
import { begunSchema, type Holder } from './journal-events.ts'
import { type Direction, type ResumeOption, resumeOptions } from './resume-options.ts'

/** A rollback that was begun and never ended, with the ways out that are open. */
export interface Interrupted {
  rollbackId: string
  startedAt: string
  holder: Holder
  from: Release | null
  to: Release
  /** Where it is known from: the journal here, or only the mark on the target. */
  knownFrom: 'journal' | 'target'
  journalRecord: JournalRecord
  /** What happened to it, and why a way is not open; one sentence each. */
  standing: string[]
  /** The ways that are open, the one that goes on in the direction it had first. */
  ways: ResumeOption[]
}

export const resumeOption = ({ ways }: Interrupted, wanted: Direction): ResumeOption | null =>
  ways.find(({ direction }) => direction === wanted) ?? null

/** Finds the newest rollback that was begun on this target and has neither ended nor is still running. */
export async function findInterrupted(
  session: Session,
  observation: Observation,
  journalRecords: readonly JournalRecord[]
): Promise<Interrupted | null> {
  const holder = await lockHolder(session.files.lock)
  const live = liveLease(observation)
  const runs = (id: string): boolean => id === holder?.rollbackId || id === live?.rollbackId
  const open = journalRecords.find(
    (journalRecord) => journalRecord.ended === null && !runs(journalRecord.begun.rollbackId)
  )
  if (open && !supersededBy(open, journalRecords)) return interruptedAs(open, observation, 'journal')
  const marked = journalOfLease(observation)
  if (!marked || runs(marked.begun.rollbackId)) return null
  const known = journalRecords.some(({ begun, ended }) => ended && begun.rollbackId === marked.begun.rollbackId)
  return known ? null : interruptedAs(marked, observation, 'target')
}

/** The mark on the target of somebody who may be at work. */
const liveLease = ({ lease }: Observation): LeaseRecord | null =>
  lease && !lease.expired && isAlive(lease.record.holder) !== false ? lease.record : null

/** A later rollback that ended settled what an earlier one left open. */
const supersededBy = (open: JournalRecord, journalRecords: readonly JournalRecord[]): boolean =>
  journalRecords.some(
    (journalRecord) =>
      journalRecord.ended && journalRecord.begun.at > open.begun.at && journalRecord.ended.outcome !== 'refused'
  )

/** The mark tells what was begun, and whether it was proven; of how far it came else, it tells nothing. */
function journalOfLease({ lease }: Observation): JournalRecord | null {
  if (!lease) return null
  const { begun: text, startedAt: at, proven } = lease.record
  const begun = begunSchema.safeParse(camelCase(text))
  if (!begun.success) return null
  const mayHaveBegun = begun.data.steps.filter(({ phase }) => proven || phase !== 'cleanup')
  const started = mayHaveBegun.map(({ id }) => ({ event: 'step' as const, at, stepId: id, state: 'started' as const }))
  return journalRecordOf('', [begun.data, { event: 'leased', at }, ...started])
}

/** How an unfinished rollback stands, and the ways out that this leaves open. */
export function interruptedAs(
  journalRecord: JournalRecord,
  observation: Observation,
  knownFrom: Interrupted['knownFrom']
): Interrupted {
  const { begun } = journalRecord
  return {
    rollbackId: begun.rollbackId,
    startedAt: begun.at,
    holder: begun.holder,
    from: begun.from,
    to: begun.to,
    knownFrom,
    journalRecord,
    ...resumeOptions(journalRecord, observation)
  }
}

/** A blocker when somebody else works on this target right now. */
export async function runningElsewhere(session: Session, observation: Observation): Promise<Blocker[]> {
  const local = await lockHolder(session.files.lock)
  const here = local && {
    ...running(local.rollbackId, `process ${local.pid} on ${local.host}`),
    next: waitFor(session.files.lock, local)
  }
  const found = here ?? liveElsewhere(observation)
  return found ? [found] : []
}

/** The same, as only the mark on the target tells it. */
export function liveElsewhere(observation: Observation): Blocker | null {
  const live = liveLease(observation)
  if (!live) return null
  const { host, pid, user } = live.holder
  return running(live.rollbackId, `${user} on ${host} (process ${pid})`)
}

const running = (rollbackId: string, who: string): Blocker => ({
  id: 'running',
  what: 'Another rollback of this target is running',
  why: `${rollbackId} is run by ${who}`,
  next: 'Wait until it ends, then assess again.'
})

const hour = 3_600_000

/** A fourth attempt within an hour is a risk to accept: what failed three times needs a person's thought. */
export function recentAttempts(journalRecords: readonly JournalRecord[], most: number, now: string): Risk[] {
  const since = new Date(Date.parse(now) - hour).toISOString()
  const recent = journalRecords.filter(({ begun, ended }) => begun.at > since && ended?.outcome !== 'refused')
  if (recent.length < most) return []
  return [
    {
      id: 'attempts',
      serious: true,
      title: `${recent.length} rollbacks of this target were begun within the last hour`,
      detail: recent.map(({ begun, ended }) => `${begun.rollbackId}: ${ended?.outcome ?? 'not ended'}`).join('; ')
    }
  ]
}
