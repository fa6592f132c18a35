import type { Check } from '../model/check.ts'
import type { JsonObject } from '../model/json.ts'
import type { Step } from '../model/step.ts'
import type { HealthState, Survey } from '../model/survey.ts'
import { fingerprintOf } from '../support/canonical.ts'
import { messageOf } from '../support/errors.ts'
import { oneLine } from '../support/text.ts'
import { conclude } from './conclude.ts'
import type { ExecuteHooks, RollbackResult } from './execute.ts'
import { servesBetter } from './health.ts'
import type { Journal } from './journal.ts'
import type { Begun } from './journal-events.ts'
import type { KeptLease } from './keep-lease.ts'
import { prove } from './prove.ts'
import type { Session } from './session.ts'
import { applyStep, type Carrying, position, revertSteps, StepFailed, type StepOutcome } from './step-runner.ts'

export interface CarryOutContext {
  journal: Journal
  lease: KeptLease | null
  limit: AbortSignal
  hooks: Pick<ExecuteHooks, 'report' | 'cancel'>
  failed: boolean
  /** Resolves when the evidence is in the journal. */
  diagnosis: Promise<void>
  /** Steps that an interrupted run has done already, with what they recorded. */
  done?: ReadonlySet<string>
  recorded?: Map<string, JsonObject>
  /** The survey's fingerprint before the first step: a failed cure that left it as it was has nothing to lose by being undone. */
  fingerprint?: JsonObject
}

/** The rollback itself: cure, proof, aftercare; or the way back. */
export async function carryOut(session: Session, begun: Begun, context: CarryOutContext): Promise<RollbackResult> {
  const { journal, lease, limit, hooks } = context
  const carrying: Carrying = {
    session,
    journal,
    rollbackId: begun.rollbackId,
    signal: lease ? AbortSignal.any([limit, lease.lost]) : limit,
    report: hooks.report,
    steps: begun.steps,
    outcomes: new Map(begun.steps.map((step) => [step.id, notRun(step)])),
    recorded: context.recorded ?? new Map()
  }
  const ending = { session, begun, context, carrying }
  const beganSteps: Step[] = begun.steps.filter(({ id }) => context.done?.has(id))
  for (const step of beganSteps)
    carrying.outcomes.set(step.id, { ...notRun(step), state: 'done', detail: 'done before the interruption' })

  for (const step of begun.steps.filter(({ phase, id }) => phase !== 'aftercare' && !context.done?.has(id))) {
    const curing = beganSteps.some(({ phase }) => phase === 'cure')
    if (hooks.cancel.aborted && !curing) return cancelled(ending, beganSteps)
    if (step.phase === 'aftercare') break
    beganSteps.push(step)
    try {
      const { manual } = await applyStep(carrying, step)
      if (manual)
        return conclude(ending, {
          outcome: 'manual',
          instructions: manual,
          state: `The step "${step.title}" must be done by a person.`
        })
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error
      return wayBack(ending, beganSteps, error.message, [])
    }
  }

  const proof = await proven(ending)
  if (proof.verdict === 'unhealthy') {
    const failures = proof.checks
      .filter(({ status }) => status === 'fail')
      .map(({ title, detail }) => `${title}: ${detail}`)
    return wayBack(ending, beganSteps, failures.join('; '), proof.checks)
  }
  if (proof.verdict === 'inconclusive') {
    const unknown = proof.checks
      .filter(({ status }) => status === 'unknown')
      .map(({ title, detail }) => `${title}: ${detail}`)
    const aftercare = begun.steps.filter(({ phase }) => phase === 'aftercare')
    return conclude(ending, {
      outcome: 'unproven',
      checks: proof.checks,
      state: `${begun.to.version} was put in place, but a check stayed unknown: ${unknown.join('; ')}.`,
      remains: ['Look for yourself whether it serves.', ...byHand(aftercare, 'Not done, for it is not proven')]
    })
  }
  const remains = await aftercare(ending)
  return conclude(ending, {
    outcome: 'succeeded',
    checks: proof.checks,
    remains,
    state: `${begun.to.version} serves; every check passed${begun.soakMs > 0 ? ', and still passed after the soak' : ''}.`
  })
}

export interface Ending {
  session: Session
  begun: Begun
  context: CarryOutContext
  carrying: Carrying
}

export const notRun = ({ id, title, phase }: Step): StepOutcome => ({ id, title, phase, state: 'not run' })

async function proven({ session, begun, carrying }: Ending) {
  const { index, total } = position(begun.steps, 'check')
  const say = (state: 'started' | 'working' | 'done' | 'failed', detail?: string): void =>
    carrying.report({
      index,
      total,
      title: 'Health check',
      state,
      ...(detail && { detail: session.mask.text(detail) })
    })
  say('started')
  const proof = await prove(session, begun.to, {
    soakMs: begun.soakMs,
    signal: carrying.signal,
    progress: (message) => say('working', message)
  }).catch((error: unknown) => {
    const check: Check = {
      id: 'time',
      title: 'The checks end in time',
      status: 'unknown',
      detail: oneLine(messageOf(error), 300)
    }
    return { verdict: 'inconclusive' as const, checks: [check] }
  })
  await carrying.journal.append({ event: 'checks', checks: proof.checks })
  say(proof.verdict === 'healthy' ? 'done' : 'failed', proof.verdict)
  return proof
}

/** Runs what may fail without harm; what failed is what remains. */
async function aftercare({ session, begun, context, carrying }: Ending): Promise<string[]> {
  await context.diagnosis
  const remains: string[] = []
  for (const step of begun.steps.filter(({ phase, id }) => phase === 'aftercare' && !context.done?.has(id))) {
    try {
      const { manual } = await applyStep(carrying, step)
      if (manual) remains.push(...manual)
    } catch (error) {
      session.log('warning', `Aftercare failed: ${messageOf(error)}`)
      remains.push(...byHand([step], `Failed (${oneLine(messageOf(error))})`))
    }
  }
  return remains
}

export const byHand = (steps: readonly Step[], why: string): string[] =>
  steps.map((step) => `${why}: ${step.title}.${step.byHand ? ` By hand: ${step.byHand.join(' && ')}` : ''}`)

/** Before anything that serves was touched: take back the preparations. */
async function cancelled(ending: Ending, beganSteps: readonly Step[]): Promise<RollbackResult> {
  const { failed, left } = await revertSteps(ending.carrying, [...beganSteps].reverse())
  return conclude(ending, {
    outcome: 'cancelled',
    state: `Cancelled before anything that serves was touched; ${ending.begun.from?.version ?? 'what was there'} is as it was.`,
    remains: failed ? undoByHand(left, failed.message) : []
  })
}

/**
 * A failed cure is undone towards a state that was seen to serve better than the present one, or where nothing serves now and
 * something was seen before; unknown is no reason to undo.
 */
async function wayBack(
  ending: Ending,
  beganSteps: readonly Step[],
  why: string,
  checks: Check[]
): Promise<RollbackResult> {
  const { session, begun, carrying, context } = ending
  // The time limit that ended the cure must not end the way back.
  const back = { ...ending, carrying: { ...carrying, signal: AbortSignal.timeout(session.settings.limitMs) } }
  const toRevert = [...beganSteps].reverse()
  const touched = beganSteps.some(({ phase }) => phase === 'cure')
  const present = touched ? await presentState(session, begun) : null
  const before = begun.health.state
  if (present && !mayUndo(before, present) && !isUntouched(present, context))
    return conclude(back, {
      outcome: 'stuck',
      checks,
      state: `${why}. It was not undone, for ${whyNot(before, present.health)}. ${stateLine(present)}`,
      remains: [...byHand(pending(back), 'Not done'), ...undoByHand(toRevert, 'to go back instead')]
    })
  const { failed, left } = await revertSteps(back.carrying, toRevert)
  const after = await presentState(session, begun)
  if (failed)
    return conclude(back, {
      outcome: 'stuck',
      checks,
      state: `${why}. Undoing it failed, too: ${failed.message}. ${stateLine(after)}`,
      remains: undoByHand(left, 'Not undone')
    })
  return restoredOrStuck(back, { why, checks, before, after, touched })
}

interface Aftermath {
  why: string
  checks: Check[]
  before: HealthState
  after: Present
  touched: boolean
}

function restoredOrStuck(ending: Ending, { why, checks, before, after, touched }: Aftermath): Promise<RollbackResult> {
  const { from } = ending.begun
  const isBack = after.currentId === (from?.id ?? null)
  const servesNothing = touched && before === 'down'
  return conclude(ending, {
    outcome: isBack && !servesNothing ? 'restored' : 'stuck',
    checks,
    state: `${why}. ${isBack ? `${from?.version ?? 'The state before'} is back as it was${servesNothing ? ', and it does not serve either' : ''}.` : `It was undone, but the target does not show the earlier state.`} ${stateLine(after)}`,
    remains: servesNothing || !isBack ? ['Choose another version, or deploy a fix: nothing serves as it should.'] : []
  })
}

interface Present {
  currentId: string | null
  version: string | null
  health: HealthState
  message: string
  fingerprint?: JsonObject
}

async function presentState(session: Session, begun: Begun): Promise<Present> {
  const signal = AbortSignal.timeout(30_000)
  const survey: Survey | string = await session.target.survey(signal).catch((error: unknown) => messageOf(error))
  if (typeof survey === 'string')
    return {
      currentId: null,
      version: null,
      health: 'unknown',
      message: `${begun.target} could not be asked: ${survey}`
    }
  return {
    currentId: survey.current?.id ?? null,
    version: survey.current?.version ?? null,
    health: survey.health.state,
    message: survey.health.message,
    fingerprint: survey.fingerprint
  }
}

/** The cure failed before it changed anything: missing rights, for one. */
const isUntouched = (present: Present, { fingerprint }: CarryOutContext): boolean =>
  fingerprint !== undefined &&
  present.fingerprint !== undefined &&
  fingerprintOf(fingerprint) === fingerprintOf(present.fingerprint)

const mayUndo = (before: HealthState, present: Present): boolean =>
  servesBetter(before, present.health) || (present.health === 'down' && before === 'down')

const whyNot = (before: HealthState, now: HealthState): string => {
  if (now === 'unknown') return 'what serves now is unknown'
  if (before === 'unknown') return 'whether the earlier state served is unknown'
  return 'the earlier state was not seen to serve better'
}

const stateLine = ({ version, health, message }: Present): string =>
  `Now: ${version ?? 'nothing known'} is in place, ${health} (${message}).`

const pending = ({ carrying }: Ending): Step[] =>
  carrying.steps.filter(({ id }) => {
    const state = carrying.outcomes.get(id)?.state
    return state === 'not run' || state === 'failed'
  })

export const undoByHand = (steps: readonly Step[], why: string): string[] =>
  steps.flatMap((step) =>
    step.undo ? [`${why}: ${step.undo}.${step.undoByHand ? ` By hand: ${step.undoByHand.join(' && ')}` : ''}`] : []
  )
