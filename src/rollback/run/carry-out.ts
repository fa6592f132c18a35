import type { Check } from '../../model/check.ts'
import type { SignalCourse } from '../../model/signal.ts'
import type { Step } from '../../model/step.ts'
import { messageOf, RollbackError } from '../../support/errors.ts'
import { quoteLine } from '../../support/quote.ts'
import { duration } from '../../support/text.ts'
import { conclude } from './conclude.ts'
import { type Proof, prove } from './prove.ts'
import type { RollbackResult } from './result.ts'
import {
  hasSwitched,
  isTakenOver,
  manualCommands,
  named,
  type RollbackRun,
  restartLimit,
  unlessTakenOver
} from './rollback-run.ts'
import { applyStep, StepFailed, say } from './steps.ts'
import { messageWithin, reachedAt } from './time-limit.ts'
import { cancel, concludeTakenOver, undo, undoUnlessWorse } from './undo.ts'

const markWithinMs = 15_000
const coursesWithinMs = 5000

/** The rollback itself: prepare, switch, check, clean up; or the undo. */
export async function carryOut(run: RollbackRun): Promise<RollbackResult> {
  for (const step of run.beganSteps.filter(({ id }) => run.doneBefore.has(id)))
    run.outcomes.set(step.id, { ...named(step), state: 'done', detail: 'done before the interruption' })
  return (await applySteps(run)) ?? settle(run, await check(run))
}

const timeLeft = (run: RollbackRun): AbortSignal => unlessTakenOver(run, run.limit)

/** Applies all steps before the checks; gives a result only when the rollback ends there. */
async function applySteps(run: RollbackRun): Promise<RollbackResult | null> {
  const { begun, beganSteps, doneBefore, hooks } = run
  for (const step of begun.steps.filter(({ phase, id }) => phase !== 'cleanup' && !doneBefore.has(id))) {
    const switching = hasSwitched(run)
    if (hooks.cancel.aborted && !switching) return cancel(run)
    if (step.phase === 'switch' && !switching) {
      const ended = await waitForTurn(run)
      if (ended) return ended
    }
    if (!beganSteps.includes(step)) beganSteps.push(step)
    try {
      const { manual } = await applyStep(run, step, timeLeft(run))
      if (manual)
        return conclude(run, {
          outcome: 'manual',
          instructions: manual,
          state: `A person must do the step "${step.title}".`
        })
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error
      if (!switching && wasCancelled(error)) return cancel(run)
      return undoUnlessWorse(run, reachedAt(run, `"${step.title}"`) ?? error.message)
    }
  }
  return null
}

/** Waits until the group lets it switch; gives a result when it is not to. */
async function waitForTurn(run: RollbackRun): Promise<RollbackResult | null> {
  const { gates } = run.hooks
  if (!gates) return null
  const isTurn = await gates.beforeSwitch()
  restartLimit(run)
  if (!isTurn) return cancel(run)
  const changed = await changedMeanwhile(run)
  return changed ? undo(run, { why: changed, checks: [], touched: false }) : null
}

/** Why the switch is no longer what was approved: another release was deployed while it waited. */
async function changedMeanwhile({ session, begun, ...run }: RollbackRun): Promise<string | null> {
  try {
    const { current } = (await session.target.observe(run.limit)).observation
    if ((current?.id ?? null) === (begun.from?.id ?? null)) return null
    return `${current?.version ?? 'Nothing'} is deployed since this rollback began`
  } catch (error) {
    return `What serves could not be seen before the switch: ${quoteLine(session.mask, messageOf(error), 300)}`
  }
}

/** The step was cancelled while it waited for a person, and had changed nothing. */
const wasCancelled = ({ cause }: StepFailed): boolean => cause instanceof RollbackError && cause.code === 'cancelled'

async function check(run: RollbackRun): Promise<Proof> {
  const { session, begun, journal } = run
  say(run, 'check', 'started')
  const proof: Proof = await prove(session, begun.to, {
    soakMs: begun.soakMs,
    settling: true,
    signal: timeLeft(run),
    progress: (message) => say(run, 'check', 'working', message),
    serving: (since) => say(run, 'check', 'serving', servingLine(begun, since))
  }).catch((error: unknown) => ({ verdict: 'inconclusive', checks: [outOfTime(run, error)] }))
  const { checks, healthySince, verdict } = proof
  const signals = await coursesOf(run)
  await journal.attempt({ event: 'checks', checks, healthySince, ...(signals.length > 0 && { signals }) })
  say(run, 'check', verdict === 'healthy' ? 'done' : 'failed', verdict)
  return proof
}

/** How the signals went, from the beginning of the failure to now; a rollback does not fail for a lack of it. */
async function coursesOf({ session, begun }: RollbackRun): Promise<SignalCourse[]> {
  const from = new Date(Math.min(Date.parse(begun.at), Date.parse(begun.health.since ?? begun.at)))
  const span = { from, until: session.clock.now() }
  const courses = session.signals?.courses(begun.to, span, AbortSignal.timeout(coursesWithinMs))
  return (await courses?.catch(() => [])) ?? []
}

/** What a person waits for, told as soon as it is so. */
const servingLine = ({ to, soakMs }: RollbackRun['begun'], since: Date): string =>
  `${to.version} serves since ${since.toISOString().slice(11, 19)} UTC${soakMs > 0 ? `; watching it for ${duration(soakMs)}` : ''}`

const outOfTime = (run: RollbackRun, error: unknown): Check => ({
  id: 'time',
  title: 'The checks end in time',
  status: 'unknown',
  detail: quoteLine(run.session.mask, messageWithin(run, run.limit, error), 300)
})

async function settle(run: RollbackRun, { verdict, checks, healthySince }: Proof): Promise<RollbackResult> {
  const { to, steps, soakMs } = run.begun
  if (isTakenOver(run)) return concludeTakenOver(run, checks)
  const those = (wanted: Check['status']): string =>
    checks
      .filter(({ status }) => status === wanted)
      .map(({ title, detail }) => `${title}: ${detail}`)
      .join('; ')
  if (verdict === 'unhealthy') return undoUnlessWorse(run, those('fail'), checks)
  const reached = reachedAt(run, 'the health check')
  const decision = await run.hooks.gates?.beforeCleanup()
  if (decision) restartLimit(run)
  if (isTakenOver(run)) return concludeTakenOver(run, checks)
  if (decision === 'undo')
    return undo(run, {
      why: 'Another target of the group failed, so this one was taken back',
      asked: true,
      touched: true,
      checks
    })
  if (verdict === 'inconclusive') {
    const cleanup = steps.filter(({ phase }) => phase === 'cleanup')
    return conclude(run, {
      outcome: 'unverified',
      checks,
      state: `${reached ? `${reached}. ` : ''}${to.version} is in place, but a check stayed unknown: ${those('unknown')}.`,
      remains: [
        `Check that ${to.version} serves.`,
        ...manualCommands(cleanup, 'Not done, because the check is unknown'),
        ...leftBehind(run)
      ]
    })
  }
  return conclude(run, {
    outcome: 'succeeded',
    checks,
    ...(healthySince && { healthySince }),
    remains: [...(await cleanUp(run)), ...leftBehind(run)],
    state: `${to.version} serves; every check passed${soakMs > 0 ? ', also at the end of the soak' : ''}.`
  })
}

/** What the steps themselves leave for people to know, in their order. */
const leftBehind = ({ begun, leftBehind: left }: RollbackRun): string[] => [
  ...new Set(begun.steps.flatMap(({ id }) => left.get(id) ?? []))
]

/** Runs the cleanup, whose failure never undoes a switch; gives what remains to be done. */
async function cleanUp(run: RollbackRun): Promise<string[]> {
  const { session, begun, doneBefore, diagnosis } = run
  await diagnosis
  const remains: string[] = []
  const steps: Step[] = begun.steps.filter(({ phase, id }) => phase === 'cleanup' && !doneBefore.has(id))
  if (steps.length > 0) await markProven(run)
  for (const step of steps) {
    try {
      const { manual } = await applyStep(run, step, timeLeft(run))
      if (manual) remains.push(...manual)
    } catch (error) {
      session.log('warning', `Cleanup failed: ${messageOf(error)}`)
      remains.push(...manualCommands([step], `Failed (${quoteLine(session.mask, messageOf(error))})`))
    }
  }
  return remains
}

/** From now on the lease says that an undo is impossible: the cleanup removes what an undo needs. */
async function markProven({ session, lease }: RollbackRun): Promise<void> {
  await lease?.markProven(AbortSignal.timeout(markWithinMs)).catch((error: unknown) => {
    session.log('warning', `The lease does not say that the version is proven: ${messageOf(error)}`)
  })
}
