import { outageOf } from '../../incident/outage.ts'
import type { Check } from '../../model/check.ts'
import type { NewRecord } from '../../model/deployment-record.ts'
import type { Outcome } from '../../model/outcome.ts'
import type { Release } from '../../model/release.ts'
import { InputError, messageOf } from '../../support/errors.ts'
import { isRecorded } from '../assess/evidence.ts'
import type { JournalRecord } from '../journal/journal.ts'
import type { Begun } from '../journal/journal-events.ts'
import { releaseOnTarget } from '../journal/reread.ts'
import { rememberProven } from '../remember.ts'
import type { Session } from '../session.ts'
import { prove } from './prove.ts'
import type { RollbackResult } from './result.ts'
import type { RollbackRun } from './rollback-run.ts'

/** How a rollback ends; `title` and `next` where the outcome does not say them. */
export interface Conclusion {
  outcome: Outcome
  title?: string
  state: string
  checks?: Check[]
  /** The first of the uninterrupted healthy checks. */
  healthySince?: string
  remains?: string[]
  instructions?: string[]
  next?: string | null
}

/** Ends a rollback: the history first, the journal last, so that a journal that has ended has nothing left to do. */
export async function conclude(run: RollbackRun, conclusion: Conclusion): Promise<RollbackResult> {
  const { session, begun, journal } = run
  await run.diagnosis
  const { outcome } = conclusion
  // A clock may be set back, or be another machine's.
  const durationMs = Math.max(0, session.clock.now().getTime() - Date.parse(begun.at))
  if (outcome === 'succeeded') await rememberProven(session)
  const recorded = await recordOutcome(run, outcome, durationMs)
  const remains = session.mask.data([...(conclusion.remains ?? []), ...recorded])
  remains.push(...(await releaseLease(run)))
  const state = session.mask.text(conclusion.state)
  await journal.append({ event: 'ended', outcome, durationMs, state, remains }).catch((error: unknown) => {
    remains.push(
      `The end could not be written to the journal (${messageOf(error)}): the next assessment will call this rollback interrupted.`
    )
  })
  return {
    target: session.name,
    rollbackId: begun.rollbackId,
    outcome,
    dryRun: false,
    from: begun.from,
    to: begun.to,
    failed: run.failed,
    lastGood: run.lastGood ?? false,
    steps: begun.steps.flatMap(({ id }) => run.outcomes.get(id) ?? []),
    resumes: false,
    checks: conclusion.checks ?? [],
    durationMs,
    state,
    ...backOf(run, conclusion),
    remains,
    instructions: conclusion.instructions ?? [],
    title: conclusion.title ?? null,
    next: conclusion.next ?? null
  }
}

/** When users were served again, and after how long, as the incident report says it. */
function backOf({ session, begun }: RollbackRun, { outcome, healthySince }: Conclusion): Pick<RollbackResult, 'back'> {
  if (outcome !== 'succeeded' || !healthySince) return {}
  const { from, to, health, rollbackId: id, at: begunAt, soakMs: watchedMs } = begun
  const rollback = { id, outcome, begunAt, recoveredAt: healthySince }
  return {
    back: { at: healthySince, outage: outageOf({ from, to, health, history: session.history, rollback }), watchedMs }
  }
}

/** Adds the record to deploy.json; gives what remains when that fails. */
async function recordOutcome({ session, begun }: RollbackRun, outcome: Outcome, durationMs: number): Promise<string[]> {
  if (outcome !== 'succeeded' && outcome !== 'unverified') return []
  // A rollback that was killed after its record and before its end has its record when it is finished.
  if (!begun.from || isRecorded(session.history, begun.rollbackId)) return []
  try {
    await session.record({ ...recordOf(begun, begun.from, outcome), durationMs })
    return []
  } catch (error) {
    return [`deploy.json has no record of this rollback: ${messageOf(error)}`]
  }
}

const recordOf = ({ rollbackId, to }: Begun, from: Release, outcome: Outcome): NewRecord => ({
  version: from.version,
  status: 'rolled_back',
  rollbackTo: to.version,
  rollbackId,
  outcome,
  digest: from.id,
  rollbackToDigest: to.id,
  ...(from.commit && { commit: from.commit })
})

async function releaseLease({ lease }: RollbackRun): Promise<string[]> {
  try {
    await lease?.release(AbortSignal.timeout(15_000))
    return []
  } catch (error) {
    return [`The lease on the target could not be removed (it expires by itself): ${messageOf(error)}`]
  }
}

/**
 * Records a rollback that ended `manual`, once a person has done it: only after the checks passed, soak included.
 * @returns whether it was added; false when deploy.json has it already.
 * @throws InputError when the rollback did not end `manual`, or a check does not pass.
 */
export async function recordManualRollback(
  session: Session,
  { begun, ended }: JournalRecord,
  signal: AbortSignal
): Promise<boolean> {
  const { rollbackId, from, to } = begun
  if (ended?.outcome !== 'manual' || !from)
    throw new InputError({
      what: `${rollbackId} is not a manual rollback`,
      why: `its outcome is ${ended?.outcome ?? 'interrupted'}; only a rollback that ended manual, and that left a deployed version, is recorded afterwards`,
      state: 'deploy.json was not changed.',
      next: 'Assess the target to see what serves.',
      code: 'not_manual'
    })
  if (isRecorded(session.history, rollbackId)) return false
  const release = await releaseOnTarget(session.target, to, signal)
  const { verdict, checks } = await prove(session, release, { soakMs: session.settings.soakMs, signal })
  if (verdict !== 'healthy')
    throw new InputError({
      what: `${rollbackId} was not recorded as done`,
      why: checks
        .filter(({ status }) => status !== 'pass')
        .map(({ title, status, detail }) => `${title}: ${status} (${detail})`)
        .join('; '),
      state: 'deploy.json was not changed.',
      next: 'Follow the instructions of the rollback, then record it again.',
      code: 'not_proven'
    })
  await rememberProven(session, signal)
  await session.record(recordOf(begun, from, 'manual'))
  return true
}
