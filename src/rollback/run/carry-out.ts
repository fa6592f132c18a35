import type { Check } from '../../model/check.ts'
import type { Step } from '../../model/step.ts'
import { messageOf, RollbackError } from '../../support/errors.ts'
import { quoteLine } from '../../support/quote.ts'
import type { Begun } from '../journal/journal-events.ts'
import type { Session } from '../session.ts'
import { conclude } from './conclude.ts'
import type { RollbackResult } from './execute.ts'
import { type Proof, prove } from './prove.ts'
import { type CarryOutContext, carryingOf, type Ending, manualCommands, notRun } from './rollback-run.ts'
import { applyStep, position, StepFailed } from './step-runner.ts'
import { cancelled, takenOver, undoRollback } from './undo.ts'

const markWithinMs = 15_000

/** The rollback itself: switch, proof, cleanup; or the way back. */
export async function carryOut(session: Session, begun: Begun, context: CarryOutContext): Promise<RollbackResult> {
  const carrying = carryingOf(session, begun, context)
  const ending = { session, begun, context, carrying }
  const beganSteps: Step[] = begun.steps.filter(({ id }) => context.inEffect?.has(id))
  for (const step of beganSteps.filter(({ id }) => isDone(context, id)))
    carrying.outcomes.set(step.id, { ...notRun(step), state: 'done', detail: 'done before the interruption' })

  return (await applySteps(ending, beganSteps)) ?? settle(ending, beganSteps, await proven(ending))
}

const isDone = ({ inEffect }: CarryOutContext, stepId: string): boolean => inEffect?.get(stepId)?.done ?? false

/** Runs what comes before the proof; gives a result only when it ends there. */
async function applySteps(ending: Ending, beganSteps: Step[]): Promise<RollbackResult | null> {
  const { begun, context, carrying } = ending
  for (const step of begun.steps.filter(({ phase, id }) => phase !== 'cleanup' && !isDone(context, id))) {
    const switching = beganSteps.some(({ phase }) => phase === 'switch')
    if (context.hooks.cancel.aborted && !switching) return cancelled(ending, beganSteps)
    if (!beganSteps.includes(step)) beganSteps.push(step)
    try {
      const { manual } = await applyStep(carrying, step)
      if (manual) return conclude(ending, { outcome: 'manual', instructions: manual, state: stateOfManual(step) })
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error
      if (!switching && wasCancelled(error)) return cancelled(ending, beganSteps)
      return undoRollback(ending, beganSteps, error.message, [])
    }
  }
  return null
}

/** The step heard the caller while it waited for a person, and had changed nothing. */
const wasCancelled = ({ cause }: StepFailed): boolean => cause instanceof RollbackError && cause.code === 'cancelled'

const stateOfManual = ({ title }: Step): string => `The step "${title}" must be done by a person.`

async function settle(
  ending: Ending,
  beganSteps: readonly Step[],
  { verdict, checks }: Proof
): Promise<RollbackResult> {
  const { context, begun } = ending
  const { to, steps, soakMs } = begun
  if (context.lease?.lost.aborted) return takenOver(ending, checks)
  const told = (wanted: Check['status']): string =>
    checks
      .filter(({ status }) => status === wanted)
      .map(({ title, detail }) => `${title}: ${detail}`)
      .join('; ')
  if (verdict === 'unhealthy') return undoRollback(ending, beganSteps, told('fail'), checks)
  if (verdict === 'inconclusive') {
    const cleanup = steps.filter(({ phase }) => phase === 'cleanup')
    return conclude(ending, {
      outcome: 'unverified',
      checks,
      state: `${to.version} was put in place, but a check stayed unknown: ${told('unknown')}.`,
      remains: [
        'Look for yourself whether it serves.',
        ...manualCommands(cleanup, 'Not done, for it is not proven'),
        ...leftBehind(ending)
      ]
    })
  }
  const failed = await cleanup(ending)
  return conclude(ending, {
    outcome: 'succeeded',
    checks,
    remains: [...failed, ...leftBehind(ending)],
    state: `${to.version} serves; every check passed${soakMs > 0 ? ', and still passed after the soak' : ''}.`
  })
}

/** What the steps themselves leave for people to know, in their order. */
const leftBehind = ({ begun, carrying }: Ending): string[] => [
  ...new Set(begun.steps.flatMap(({ id }) => carrying.remains.get(id) ?? []))
]

async function proven({ session, begun, carrying }: Ending): Promise<Proof> {
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
  const proof: Proof = await prove(session, begun.to, {
    soakMs: begun.soakMs,
    signal: carrying.signal,
    progress: (message) => say('working', message)
  }).catch((error: unknown) => {
    const check: Check = {
      id: 'time',
      title: 'The checks end in time',
      status: 'unknown',
      detail: quoteLine(session.mask, messageOf(error), 300)
    }
    return { verdict: 'inconclusive', checks: [check] }
  })
  const { checks, healthySince } = proof
  await carrying.journal.attempt({ event: 'checks', checks, ...(healthySince && { healthySince }) })
  say(proof.verdict === 'healthy' ? 'done' : 'failed', proof.verdict)
  return proof
}

/** Runs what may fail without harm; what failed is what remains. */
async function cleanup({ session, begun, context, carrying }: Ending): Promise<string[]> {
  await context.diagnosis
  const remains: string[] = []
  const steps = begun.steps.filter(({ phase, id }) => phase === 'cleanup' && !isDone(context, id))
  if (steps.length > 0) await tellThatItIsProven({ session, begun, context, carrying })
  for (const step of steps) {
    try {
      const { manual } = await applyStep(carrying, step)
      if (manual) remains.push(...manual)
    } catch (error) {
      session.log('warning', `Cleanup failed: ${messageOf(error)}`)
      remains.push(...manualCommands([step], `Failed (${quoteLine(session.mask, messageOf(error))})`))
    }
  }
  return remains
}

/** Whoever finds the mark on the target after this must not undo: what undoing needs is cleaned up next. */
async function tellThatItIsProven({ session, context }: Ending): Promise<void> {
  await context.lease?.markProven(AbortSignal.timeout(markWithinMs)).catch((error: unknown) => {
    session.log('warning', `The mark on the target does not say that the version is proven: ${messageOf(error)}`)
  })
}
