import { join } from 'node:path'
import type { Observation } from '../../model/observation.ts'
import { InputError } from '../../support/errors.ts'
import type { Assessment } from '../assess/assessment.ts'
import { collectDiagnosis } from '../diagnose.ts'
import { type KeptLease, keepLease, runningByLease, takeLock, thisHolder } from '../guard/lock.ts'
import { blocked, stalePlan } from '../guard/refusals.ts'
import type { ResumeOption } from '../journal/interrupted.ts'
import { cleanupHasBegun, type Interrupted, interruptedAs, isReached, resumeOption } from '../journal/interrupted.ts'
import { type JournalRecord, readJournals, stepsInEffect } from '../journal/journal.ts'
import type { Begun } from '../journal/journal-events.ts'
import { openJournal } from '../journal/write-journal.ts'
import type { Session } from '../session.ts'
import { announceBegun } from './announce.ts'
import { carryOut } from './carry-out.ts'
import { type Conclusion, conclude } from './conclude.ts'
import { dryRunResult, type ExecuteHooks, type ExecuteRequest, type RollbackResult } from './result.ts'
import { type RollbackRun, rollbackRun } from './rollback-run.ts'
import { undo } from './undo.ts'

/**
 * Finishes, undoes or closes an interrupted rollback, whichever option was approved.
 * @throws InputError when it was none of them, or when the option is no longer open after the answer; nothing was changed then.
 */
export async function resume(
  session: Session,
  assessment: Assessment,
  interrupted: Interrupted,
  request: ExecuteRequest,
  hooks: ExecuteHooks
): Promise<RollbackResult> {
  const { blockers, failed } = assessment
  const { rollbackId, options } = interrupted
  const option = options.find(({ id, version }) => id === request.planId && version === request.version)
  if (!option) throw interruptedFirst(interrupted)
  const running = blockers.find(({ id }) => id === 'running')
  if (running) throw blocked(running)
  if (request.dryRun) return dryRun(interrupted, assessment, option)
  await hooks.consent(assessment, option)

  const limit = session.clock.limit(session.settings.limitMs)
  const lock = await takeLock(session.files.lock, rollbackId)
  let lease: KeptLease | null = null
  try {
    const { record, observation } = await checkStillOpen(session, interrupted, option, limit)
    const begun = { ...record.begun, soakMs: soakOf(session, record.begun) }
    const journal = await openJournal(join(session.files.journals, `${rollbackId}.jsonl`), session.clock, session.mask)
    try {
      const isOthersLease = observation.lease && observation.lease.record.rollbackId !== rollbackId
      if (!isOthersLease) lease = await keepLease(session, begun, limit, cleanupHasBegun(record))
      if (record.path === '') await journal.copy(record.events)
      await journal.append({ event: 'resumed', kind: option.kind, holder: thisHolder() })
      if (lease) await journal.append({ event: 'leased' })
      announceBegun(session, begun)
      const diagnosis = option.kind === 'close' ? Promise.resolve() : collectDiagnosis(session, journal)
      const parts = { session, begun, journal, lease, limit, hooks, failed, diagnosis }
      return await carryOn(rollbackRun(parts, stepsInEffect(record)), option, record, observation)
    } finally {
      await journal.close()
    }
  } finally {
    lease?.stop()
    await lock.release()
  }
}

/** The soak of the settings, or a longer one that was planned: a record can neither leave the soak out nor make it endless. */
const soakOf = ({ settings: { soakMs, limitMs } }: Session, planned: Begun): number =>
  Math.max(soakMs, Math.min(planned.soakMs, limitMs / 2))

/**
 * Checks again under the lock: while the question was open, the rollback may have ended, another machine may have taken it over, or
 * the target may have changed. @throws InputError when the option is not what was approved.
 */
async function checkStillOpen(
  session: Session,
  interrupted: Interrupted,
  { kind, id }: ResumeOption,
  signal: AbortSignal
): Promise<{ record: JournalRecord; observation: Observation }> {
  const [{ records }, observed] = await Promise.all([
    readJournals(session.files.journals, session.name, session.clock.now()),
    session.target.observe(signal)
  ])
  const { observation } = observed
  const running = runningByLease(observation)
  if (running) throw blocked(running)
  const { rollbackId, knownFrom } = interrupted
  const known = records.find(({ begun }) => begun.rollbackId === rollbackId)
  if (known?.ended) throw endedMeanwhile(rollbackId, known.ended.outcome)
  const now = await interruptedAs(session.target, known ?? interrupted.record, observed, knownFrom, signal)
  if (resumeOption(now, kind)?.id !== id)
    throw stalePlan(`${rollbackId} or the target has changed since the plan was shown`, { target: session.name })
  return { record: now.record, observation }
}

function carryOn(
  run: RollbackRun,
  { kind }: ResumeOption,
  record: JournalRecord,
  observation: Observation
): Promise<RollbackResult> {
  const { begun, events } = record
  if (kind === 'finish') return carryOut(run)
  if (kind === 'close') return conclude(run, closing(record, observation))
  const switches = begun.steps.filter(({ phase }) => phase === 'switch').map(({ id }) => id)
  return undo(run, {
    why: 'The interrupted rollback was undone',
    asked: true,
    checks: [],
    touched: events.some((event) => event.event === 'step' && switches.includes(event.stepId))
  })
}

/** Changes nothing; the version to which it led may serve all the same. */
function closing(record: JournalRecord, observation: Observation): Conclusion {
  const { rollbackId, to } = record.begun
  const { state, message } = observation.health
  const reached = isReached(record, observation)
  const succeeded = reached && state === 'healthy'
  const said = reached
    ? `${to.version}, to which it led, is deployed, ${state} (${message})`
    : 'neither finished nor undone'
  return {
    outcome: 'cancelled',
    title: succeeded
      ? `CLOSED, succeeded all the same: ${to.version} serves`
      : 'CLOSED, what is deployed was not changed',
    state: `${rollbackId} was closed: ${said}. What is deployed was not changed.`
  }
}

const interruptedFirst = ({ rollbackId, startedAt, options }: Interrupted): InputError =>
  new InputError({
    what: 'An interrupted rollback comes first',
    why: `${rollbackId} began at ${startedAt} and never ended`,
    state: 'The rollback is half finished. This call changed nothing.',
    next: `Choose one: ${options.map(({ kind, version, id }) => `${kind} it (version ${version}, plan ${id})`).join(', or ')}.`,
    code: 'interrupted'
  })

const endedMeanwhile = (rollbackId: string, outcome: string): InputError =>
  new InputError({
    what: 'The interrupted rollback is no longer open',
    why: `another call ended ${rollbackId} in the meantime: ${outcome}`,
    state: 'This call changed nothing.',
    next: 'Assess again to see what serves now.',
    code: 'ended_meanwhile'
  })

const verbs = { finish: 'finished', undo: 'undone', close: 'closed' } as const

const dryRun = (
  { rollbackId, from, to }: Interrupted,
  { target, failed }: Assessment,
  { kind, lines }: ResumeOption
): RollbackResult =>
  dryRunResult({
    target,
    rollbackId,
    from,
    to,
    failed,
    lastGood: false,
    steps: lines.map((title, index) => ({ id: `${kind}-${index + 1}`, title, phase: 'switch', state: 'checked' })),
    resumes: true,
    state: `The interrupted rollback would be ${verbs[kind]}. Nothing was changed.`
  })
