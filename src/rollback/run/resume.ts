import { join } from 'node:path'
import type { Observation } from '../../model/observation.ts'
import { InputError } from '../../support/errors.ts'
import type { Assessment } from '../assess/assess.ts'
import { type KeptLease, keepLease } from '../guard/lease.ts'
import { takeLock, thisHolder } from '../guard/lock.ts'
import { refusedFor } from '../guard/refusals.ts'
import { type Interrupted, interruptedAs, liveElsewhere, resumeOption } from '../journal/interrupted.ts'
import { type JournalRecord, openJournal, readJournals, stepsInEffect } from '../journal/journal.ts'
import type { ResumeOption } from '../journal/resume-options.ts'
import type { Session } from '../session.ts'
import { carryOut } from './carry-out.ts'
import { collectDiagnosis } from './collect-diagnosis.ts'
import { conclude } from './conclude.ts'
import type { ExecuteHooks, ExecuteRequest, RollbackResult } from './execute.ts'
import { type CarryOutContext, carryingOf } from './rollback-run.ts'
import { undoAll } from './undo.ts'

/**
 * Finishes, undoes or closes an interrupted rollback, whichever plan was approved.
 * @throws InputError when it was none of them, or is no longer open once lock and answer are there; nothing was changed then.
 */
export async function resume(
  session: Session,
  assessment: Assessment,
  request: ExecuteRequest,
  hooks: ExecuteHooks
): Promise<RollbackResult> {
  const { interrupted, blockers } = assessment
  const way = interrupted?.ways.find(({ id, version }) => id === request.planId && version === request.version)
  if (!interrupted || !way) throw interruptedFirst(interrupted)
  const running = blockers.find(({ id }) => id === 'running')
  if (running) throw refusedFor(running)
  if (request.dryRun) return checkedResumption(interrupted, assessment, way)
  await hooks.consent(assessment, way)

  const limit = session.clock.limit(session.settings.limitMs)
  const { rollbackId } = interrupted
  const lock = await takeLock(session.files.lock, rollbackId)
  let lease: KeptLease | null = null
  try {
    const { journalRecord, observation } = await stillOpen(session, interrupted, way, limit)
    const { begun } = journalRecord
    const journal = await openJournal(join(session.files.journals, `${rollbackId}.jsonl`), session.clock, session.mask)
    try {
      const another = observation.lease && observation.lease.record.rollbackId !== rollbackId
      if (!another) lease = await keepLease(session, begun, limit, beganCleanup(journalRecord))
      if (journalRecord.path === '') await journal.copy(journalRecord.events)
      await journal.append({ event: 'resumed', direction: way.direction, holder: thisHolder() })
      if (lease) await journal.append({ event: 'leased' })
      return await carryOn(session, journalRecord, way, {
        journal,
        lease,
        limit,
        hooks,
        failed: assessment.failed,
        diagnosis: way.direction === 'close' ? Promise.resolve() : collectDiagnosis(session, journal)
      })
    } finally {
      await journal.close()
    }
  } finally {
    lease?.stop()
    await lock.release()
  }
}

/**
 * Looks again, now that nobody else on this machine can begin: it may have ended while the question was open, be carried on by
 * another machine, or stand on a target that was changed since. @throws InputError when it is not what was approved.
 */
async function stillOpen(
  session: Session,
  interrupted: Interrupted,
  { direction, id }: ResumeOption,
  signal: AbortSignal
): Promise<{ journalRecord: JournalRecord; observation: Observation }> {
  const [journalRecords, { observation }] = await Promise.all([
    readJournals(session.files.journals, session.name),
    session.target.observe(signal)
  ])
  const live = liveElsewhere(observation)
  if (live) throw refusedFor(live)
  const { rollbackId, knownFrom } = interrupted
  const known = journalRecords.find(({ begun }) => begun.rollbackId === rollbackId)
  if (known?.ended) throw endedMeanwhile(rollbackId, known.ended.outcome)
  const journalRecord = known ?? interrupted.journalRecord
  const now = resumeOption(interruptedAs(journalRecord, observation, knownFrom), direction)
  if (now?.id !== id) throw changedMeanwhile(rollbackId)
  return { journalRecord, observation }
}

function carryOn(
  session: Session,
  journalRecord: JournalRecord,
  { direction }: ResumeOption,
  context: CarryOutContext
): Promise<RollbackResult> {
  if (direction === 'finish') return finish(session, journalRecord, context)
  return direction === 'undo' ? undo(session, journalRecord, context) : close(session, journalRecord, context)
}

const finish = (session: Session, journalRecord: JournalRecord, context: CarryOutContext): Promise<RollbackResult> =>
  carryOut(session, journalRecord.begun, { ...context, inEffect: stepsInEffect(journalRecord) })

async function undo(session: Session, journalRecord: JournalRecord, context: CarryOutContext): Promise<RollbackResult> {
  const { begun, events } = journalRecord
  const inEffect = stepsInEffect(journalRecord)
  const switches = begun.steps.filter(({ phase }) => phase === 'switch').map(({ id }) => id)
  const carrying = carryingOf(session, begun, { ...context, inEffect })
  return undoAll(
    { session, begun, context, carrying },
    {
      why: 'The interrupted rollback was undone',
      asked: true,
      checks: [],
      steps: begun.steps.filter(({ id }) => inEffect.has(id)).reverse(),
      touched: events.some((event) => event.event === 'step' && switches.includes(event.stepId))
    }
  )
}

/** Ends what somebody's deployment, or another machine, has settled: nothing is done on the target but taking the mark away. */
async function close(session: Session, { begun }: JournalRecord, context: CarryOutContext): Promise<RollbackResult> {
  const carrying = carryingOf(session, begun, context)
  return conclude(
    { session, begun, context, carrying },
    {
      outcome: 'cancelled',
      state: `${begun.rollbackId} was closed: neither finished nor undone. What is deployed was left as it is.`
    }
  )
}

function beganCleanup(journalRecord: JournalRecord): boolean {
  const inEffect = stepsInEffect(journalRecord)
  return journalRecord.begun.steps.some(({ id, phase }) => phase === 'cleanup' && inEffect.has(id))
}

const interruptedFirst = (interrupted: Interrupted | null): InputError => {
  const ways = interrupted?.ways.map(({ direction, version, id }) => `${direction} it (version ${version}, plan ${id})`)
  return new InputError({
    what: 'An interrupted rollback comes first',
    why: `${interrupted?.rollbackId ?? 'a rollback'} was begun at ${interrupted?.startedAt ?? 'some time'} and never ended`,
    state: 'It stands half way. This call changed nothing.',
    next: `Call execute_rollback to ${ways?.join(', or to ')}.`,
    code: 'interrupted'
  })
}

const endedMeanwhile = (rollbackId: string, outcome: string): InputError =>
  new InputError({
    what: 'The interrupted rollback is no longer open',
    why: `${rollbackId} was ended meanwhile by another call: ${outcome}`,
    state: 'This call changed nothing.',
    next: 'Call assess_rollback to see what serves now.',
    code: 'ended_meanwhile'
  })

const changedMeanwhile = (rollbackId: string): InputError =>
  new InputError({
    what: 'The plan that was shown is no longer true, so it is not carried out',
    why: `${rollbackId} or the target was changed since it was shown`,
    state: 'This call changed nothing.',
    next: 'Call assess_rollback again and look at the new plans.',
    code: 'stale_plan'
  })

const verbs = { finish: 'finished', undo: 'undone', close: 'closed' } as const

function checkedResumption(
  { journalRecord: { begun } }: Interrupted,
  { failed }: Assessment,
  { direction, lines }: ResumeOption
): RollbackResult {
  return {
    rollbackId: begun.rollbackId,
    outcome: 'checked',
    dryRun: true,
    from: begun.from,
    to: begun.to,
    failed,
    lastGood: false,
    steps: lines.map((title, index) => ({ id: `${direction}-${index + 1}`, title, phase: 'switch', state: 'checked' })),
    checks: [],
    durationMs: 0,
    state: `The interrupted rollback would be ${verbs[direction]}. Nothing was changed.`,
    remains: [],
    instructions: []
  }
}
