import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Risk } from '../../model/observation.ts'
import { isoNow } from '../../support/clock.ts'
import { messageOf } from '../../support/errors.ts'
import { anySignal } from '../../support/limit.ts'
import { assess } from '../assess/assess.ts'
import type { Assessment } from '../assess/assessment.ts'
import { isPlanId, type Plan, planOf, whatChanged } from '../assess/plan-id.ts'
import { spareBegun } from '../assess/spare-names.ts'
import { collectDiagnosis } from '../diagnose.ts'
import { type KeptLease, keepLease, takeLock, thisHolder } from '../guard/lock.ts'
import { blocked, invalidPlanId, notAccepted, stalePlan } from '../guard/refusals.ts'
import { type Begun, journalFormat } from '../journal/journal-events.ts'
import { checkJournalWritable, type Journal, openJournal } from '../journal/write-journal.ts'
import type { Session } from '../session.ts'
import { announceBegun, announced } from './announce.ts'
import { carryOut } from './carry-out.ts'
import { dryRunResult, type ExecuteHooks, type ExecuteRequest, type RollbackResult } from './result.ts'
import { resume } from './resume.ts'
import { named, rollbackRun } from './rollback-run.ts'

const assessWithinMs = 120_000

/**
 * Carries out exactly the plan that was approved; finishes, undoes or closes an interrupted rollback when its option was approved.
 * @throws InputError, ConfigError or TargetError when it is refused; nothing was changed then.
 */
export async function executeRollback(
  session: Session,
  request: ExecuteRequest,
  hooks: ExecuteHooks
): Promise<RollbackResult> {
  if (!isPlanId(request.planId)) throw invalidPlanId(request.planId)
  const signal = anySignal(hooks.cancel, session.clock.limit(assessWithinMs))
  const assessment = await assess(session, { version: request.version, signal })
  await hooks.unattended?.(assessment)
  const { interrupted } = assessment
  if (interrupted) return announced(session, () => resume(session, assessment, interrupted, request, hooks))

  const plan = approvedPlan(assessment, request.planId)
  const open = assessment.risks.filter(({ id, serious }) => serious && !request.accept.includes(id))
  await checkJournalWritable(session.files.journals)
  if (request.dryRun) return dryRun(assessment, plan, open)
  if (open.length > 0) throw notAccepted(open)
  await hooks.consent(assessment)
  const rollbackId = newRollbackId(session.name, session.clock.now(), session.files.journals)
  return beginRollback(session, { assessment, plan, accept: request.accept, rollbackId }, hooks)
}

/** The plan of now, which must be the approved one. @throws InputError saying what changed or what is missing. */
function approvedPlan({ plan, current, blockers, target }: Assessment, planId: string): Plan {
  if (blockers[0]) throw blocked(blockers[0])
  if (!plan) throw invalidPlanId(planId)
  if (plan.id !== planId)
    throw stalePlan(whatChanged(planId, plan.id, { ...plan, from: current, target }), {
      target,
      version: plan.to.version
    })
  return plan
}

const dryRun = (
  { target, current, failed, chosen, recommended }: Assessment,
  plan: Plan,
  open: readonly Risk[]
): RollbackResult =>
  dryRunResult({
    target,
    rollbackId: null,
    from: current,
    to: plan.to,
    failed,
    lastGood: chosen === recommended,
    steps: plan.steps.map((step) => ({ ...named(step), state: 'checked', ...(step.undo && { detail: step.undo }) })),
    resumes: false,
    state: ['Every precondition was checked. Nothing was changed.', ...stillToAccept(open)].join(' ')
  })

const stillToAccept = (open: readonly Risk[]): string[] =>
  open.length > 0
    ? [`Serious risks to accept, one by one: ${open.map(({ id, title }) => `${title} (${id})`).join('; ')}.`]
    : []

/** A plan that a person has approved. */
export interface Approved {
  assessment: Assessment
  plan: Plan
  /** Ids of the accepted risks. */
  accept: readonly string[]
  rollbackId: string
  /** The group that it is a part of. */
  groupId?: string
}

/**
 * Carries out a plan that was approved a moment ago, under the lock and the lease of its target.
 * @throws InputError, ConfigError or TargetError when the target has changed or is held; nothing was changed then.
 */
export const beginRollback = (session: Session, approved: Approved, hooks: ExecuteHooks): Promise<RollbackResult> =>
  announced(session, () => begin(session, approved, hooks))

async function begin(session: Session, approved: Approved, hooks: ExecuteHooks): Promise<RollbackResult> {
  // The limit starts after the answer: a person may take long to give it.
  const limit = session.clock.limit(session.settings.limitMs)
  const { files, clock, mask } = session
  const { assessment, plan, accept, rollbackId, groupId } = approved
  const lock = await takeLock(files.lock, rollbackId)
  let lease: KeptLease | null = null
  try {
    const begun = {
      ...begunOf(session, approved),
      ...(groupId !== undefined && { groupId }),
      ...(hooks.unattended && { unattended: true })
    }
    spareBegun(mask, begun)
    const journal = await openJournal(join(files.journals, `${rollbackId}.jsonl`), clock, mask)
    try {
      await journal.append(begun)
      lease = await takeLease(session, begun, journal, limit, () => checkUnchanged(session, plan, limit))
      announceBegun(session, begun)
      return await carryOut(
        rollbackRun({
          session,
          begun,
          journal,
          lease,
          limit,
          hooks,
          failed: assessment.failed,
          lastGood: assessment.chosen === assessment.recommended,
          accepted: accept,
          diagnosis: collectDiagnosis(session, journal),
          fingerprint: assessment.observation.fingerprint
        })
      )
    } finally {
      await journal.close()
    }
  } finally {
    lease?.stop()
    await lock.release()
  }
}

/**
 * `rb-YYYYMMDD-HHMMSS-<target>` in UTC, with a random end: two machines that begin in the same second must not mistake each other's
 * lease for their own.
 */
export function newRollbackId(target: string, now: Date, journals: string): string {
  const stamp = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  const name = target.toLowerCase().replace(/[^a-z0-9_-]/g, '-')
  for (;;) {
    const id = `rb-${stamp}-${name}-${randomBytes(3).toString('hex')}`
    if (!existsSync(join(journals, `${id}.jsonl`))) return id
  }
}

const begunOf = (
  session: Session,
  { assessment: { current, health, notes }, plan, accept, rollbackId }: Approved
): Begun => ({
  event: 'begun',
  format: journalFormat,
  at: isoNow(session.clock),
  rollbackId,
  target: session.name,
  type: session.type,
  planId: plan.id,
  from: current,
  to: plan.to,
  health,
  steps: plan.steps,
  soakMs: plan.soakMs,
  accepted: [...accept],
  notes,
  holder: thisHolder()
})

/** Takes the target's lease, where it has one, and checks that nothing changed before it was held. What fails here never began. */
async function takeLease(
  session: Session,
  begun: Begun,
  journal: Journal,
  limit: AbortSignal,
  check: () => Promise<void>
): Promise<KeptLease | null> {
  let lease: KeptLease | null = null
  try {
    lease = await keepLease(session, begun, limit)
    if (lease) await journal.append({ event: 'leased' })
    await check()
    return lease
  } catch (error) {
    await lease?.release(AbortSignal.timeout(10_000)).catch(() => undefined)
    await journal.append({
      event: 'ended',
      outcome: 'refused',
      durationMs: 0,
      state: `Nothing was changed: ${messageOf(error)}`,
      remains: []
    })
    throw error
  }
}

/** Plans once more: while a person decides, an image may be deleted. @throws InputError when the plan is another one now. */
async function checkUnchanged(session: Session, plan: Plan, limit: AbortSignal): Promise<void> {
  const { observation, state } = await session.target.observe(limit)
  const to = observation.releases.find(({ id }) => id === plan.to.id) ?? plan.to
  const draft = await session.target.plan(observation, state, to, limit)
  if (draft.blockers[0]) throw blocked(draft.blockers[0])
  const now = planOf(session, observation, to, draft)
  if (now.id !== plan.id)
    throw stalePlan(whatChanged(plan.id, now.id, { ...now, from: observation.current, target: session.name }), {
      target: session.name,
      version: plan.to.version
    })
}
