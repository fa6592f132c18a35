import { join } from 'node:path'
import type { Check } from '../../model/check.ts'
import type { Risk } from '../../model/observation.ts'
import type { Outcome } from '../../model/outcome.ts'
import type { Release } from '../../model/release.ts'
import { fingerprint } from '../../support/canonical.ts'
import { isoNow } from '../../support/clock.ts'
import { InputError, messageOf } from '../../support/errors.ts'
import { type Assessment, assess, type Plan } from '../assess/assess.ts'
import { isPlanId, planId, whatChanged } from '../assess/plan-id.ts'
import { spareBegun } from '../assess/spare-names.ts'
import { type KeptLease, keepLease } from '../guard/lease.ts'
import { takeLock, thisHolder } from '../guard/lock.ts'
import { refusedFor } from '../guard/refusals.ts'
import { checkWritable } from '../guard/writable.ts'
import { type Journal, openJournal } from '../journal/journal.ts'
import type { Begun } from '../journal/journal-events.ts'
import type { ResumeOption } from '../journal/resume-options.ts'
import type { Session } from '../session.ts'
import { carryOut } from './carry-out.ts'
import { collectDiagnosis } from './collect-diagnosis.ts'
import type { ReportProgress } from './progress.ts'
import { resume } from './resume.ts'
import { newRollbackId } from './rollback-id.ts'
import type { StepOutcome } from './step-runner.ts'

const assessWithinMs = 120_000

export interface ExecuteRequest {
  version: string
  planId: string
  accept: readonly string[]
  dryRun: boolean
}

export interface ExecuteHooks {
  report: ReportProgress
  /** Where nobody watches: asked before all else whether the conditions for that hold. @throws naming each that does not. */
  unattended?(assessment: Assessment): Promise<void>
  /**
   * Asked once, with everything at hand, before anything is begun; not asked for a dry run. `way` is what is to become of an
   * interrupted rollback. @throws when the answer is no.
   */
  consent(assessment: Assessment, way?: ResumeOption): Promise<void>
  /** Aborted when the caller wants out; heeded at safe points. */
  cancel: AbortSignal
}

/** What became of it. */
export interface RollbackResult {
  rollbackId: string | null
  outcome: Outcome
  dryRun: boolean
  from: Release | null
  to: Release
  /** `from` did not serve as it should, or its deployment is recorded as failed. */
  failed: boolean
  /** `to` is the recommended candidate: the last one known to have served well. */
  lastGood: boolean
  steps: StepOutcome[]
  checks: Check[]
  durationMs: number
  /** One or two sentences on what serves now. */
  state: string
  /** What a person still has to do, commands among it. */
  remains: string[]
  instructions: string[]
}

/**
 * Carries out exactly the plan that was shown, or finishes or undoes an interrupted rollback.
 * @throws InputError, ConfigError or TargetError when it is refused; then nothing was changed.
 */
export async function executeRollback(
  session: Session,
  request: ExecuteRequest,
  hooks: ExecuteHooks
): Promise<RollbackResult> {
  if (!isPlanId(request.planId)) throw notAPlan(request.planId)
  const signal = AbortSignal.any([hooks.cancel, session.clock.limit(assessWithinMs)])
  const assessment = await assess(session, { version: request.version, signal })
  await hooks.unattended?.(assessment)
  if (assessment.interrupted) return resume(session, assessment, request, hooks)

  const plan = stillTrue(assessment, request.planId)
  const open = assessment.risks.filter(({ id, serious }) => serious && !request.accept.includes(id))
  await checkWritable(session.files.journals)
  if (request.dryRun) return checked(assessment, plan, open)
  if (open.length > 0) throw notAccepted(open)
  await hooks.consent(assessment)
  return begin(session, assessment, plan, request, hooks)
}

/** Holds what is asked against what is true now. @throws InputError saying what changed or what is missing. */
function stillTrue({ plan, chosen, current, blockers, target }: Assessment, planId: string): Plan {
  if (blockers[0]) throw refusedFor(blockers[0])
  if (!plan || !chosen) throw notAPlan(planId)
  if (plan.id !== planId) throw stale(planId, plan, current, target)
  return plan
}

const notAccepted = (open: readonly Risk[]): InputError =>
  new InputError({
    what: 'The rollback is refused: serious risks are not accepted',
    why: open.map(({ id, title, detail }) => `${title} (${id}): ${detail}`).join(' | '),
    next: `Weigh each one; to go on, pass accept: ${JSON.stringify(open.map(({ id }) => id))}.`,
    code: 'risks_not_accepted'
  })

const notAPlan = (planId: string): InputError =>
  new InputError({
    what: 'The plan id is not one of this program',
    why: `${JSON.stringify(planId.slice(0, 60))} does not have the form plan-xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx`,
    next: 'Call assess_rollback and pass the id of the plan it shows.',
    code: 'bad_plan_id'
  })

const stale = (shown: string, plan: Plan, current: Release | null, target: string): InputError =>
  new InputError({
    what: 'The plan that was shown is no longer true, so it is not carried out',
    why: whatChanged(shown, plan.id, { ...plan, from: current, target }).join('; '),
    next: 'Call assess_rollback again and look at the new plan.',
    code: 'stale_plan'
  })

const checked = (
  { current, failed, chosen, recommended }: Assessment,
  plan: Plan,
  open: readonly Risk[]
): RollbackResult => ({
  rollbackId: null,
  outcome: 'checked',
  dryRun: true,
  from: current,
  to: plan.to,
  failed,
  lastGood: chosen === recommended,
  steps: plan.steps.map(({ id, title, phase, undo }) => ({
    id,
    title,
    phase,
    state: 'checked',
    ...(undo && { detail: undo })
  })),
  checks: [],
  durationMs: 0,
  state: `Every precondition was checked. Nothing was changed.${open.length > 0 ? ` Serious risks are still to be accepted, one by one: ${open.map(({ id, title }) => `${title} (${id})`).join('; ')}.` : ''}`,
  remains: [],
  instructions: []
})

async function begin(
  session: Session,
  assessment: Assessment,
  plan: Plan,
  request: ExecuteRequest,
  hooks: ExecuteHooks
): Promise<RollbackResult> {
  // Not before the answer: a person may take long, and the rollback has its whole time all the same.
  const limit = session.clock.limit(session.settings.limitMs)
  const rollbackId = newRollbackId(session.name, session.clock.now(), session.files.journals)
  const lock = await takeLock(session.files.lock, rollbackId)
  let lease: KeptLease | null = null
  try {
    const begun = begunOf(session, assessment, plan, request, rollbackId)
    spareBegun(session.mask, begun)
    const journal = await openJournal(join(session.files.journals, `${rollbackId}.jsonl`), session.clock, session.mask)
    try {
      await journal.append(begun)
      lease = await leased(session, begun, journal, limit, () => unchanged(session, plan, request, limit))
      const diagnosis = collectDiagnosis(session, journal)
      return await carryOut(session, begun, {
        journal,
        lease,
        limit,
        hooks,
        failed: assessment.failed,
        lastGood: assessment.chosen === assessment.recommended,
        diagnosis,
        fingerprint: assessment.observation.fingerprint
      })
    } finally {
      await journal.close()
    }
  } finally {
    lease?.stop()
    await lock.release()
  }
}

const begunOf = (
  session: Session,
  { current, health, notes }: Assessment,
  plan: Plan,
  { accept }: ExecuteRequest,
  rollbackId: string
): Begun => ({
  event: 'begun',
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

/** Takes the target's lease, where it has one, and makes sure that nothing changed until it was held. What fails here never began. */
async function leased(
  session: Session,
  begun: Begun,
  journal: Journal,
  limit: AbortSignal,
  stillTrue: () => Promise<void>
): Promise<KeptLease | null> {
  let lease: KeptLease | null = null
  try {
    lease = await keepLease(session, begun, limit)
    if (lease) await journal.append({ event: 'leased' })
    await stillTrue()
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

/** What was planned before the question is planned once more: an image may be deleted while somebody thinks. */
async function unchanged(session: Session, plan: Plan, request: ExecuteRequest, limit: AbortSignal): Promise<void> {
  const { observation, state } = await session.target.observe(limit)
  const to = observation.releases.find(({ id }) => id === plan.to.id) ?? plan.to
  const { steps, blockers, fingerprint: planned } = await session.target.plan(observation, state, to, limit)
  if (blockers[0]) throw refusedFor(blockers[0])
  const id = planId({
    target: session.name,
    from: observation.current,
    to,
    steps,
    fingerprint: fingerprint([observation.fingerprint, planned])
  })
  if (id !== plan.id) throw stale(request.planId, { ...plan, steps, id }, observation.current, session.name)
}
