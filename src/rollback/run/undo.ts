import type { Check } from '../../model/check.ts'
import type { Health, HealthState, Observation } from '../../model/observation.ts'
import { messageOf } from '../../support/errors.ts'
import { moreServing, servesBetter } from './compare-health.ts'
import { conclude } from './conclude.ts'
import type { RollbackResult } from './result.ts'
import {
  hasSwitched,
  isTakenOver,
  manualCommands,
  manualUndoCommands,
  type RollbackRun,
  unlessTakenOver
} from './rollback-run.ts'
import { revertSteps } from './steps.ts'
import { nextAfterLimit, undoLimit } from './time-limit.ts'

/** Cancels before the switch: undoes the preparations. */
export async function cancel(run: RollbackRun): Promise<RollbackResult> {
  const { failed, left } = await revertSteps(run, newestFirst(run), unlessTakenOver(run, run.limit))
  return conclude(run, {
    outcome: 'cancelled',
    state: `Cancelled before the switch. ${earlier(run)} was not touched.`,
    remains: failed ? manualUndoCommands(left, failed.message) : []
  })
}

/**
 * Undoes a failed switch only towards a state that was seen to serve better than the present one, or where neither serves; unknown is
 * no reason to undo. At equal health, more serving instances win; on a tie, one release beats a mixture. So a rollout that stops
 * halfway is undone, unless that would take away instances that serve only since then.
 */
export async function undoUnlessWorse(run: RollbackRun, why: string, checks: Check[] = []): Promise<RollbackResult> {
  if (isTakenOver(run)) return concludeTakenOver(run, checks)
  const touched = hasSwitched(run)
  const present = touched ? await presentState(run, checks) : null
  const whyStay = present && !isUntouched(present, run) ? reasonToStay(run, present) : null
  if (present && whyStay)
    return conclude(run, {
      outcome: 'stuck',
      checks,
      next: nextAfterLimit(run),
      state: `${why}. It was not undone: ${whyStay}. ${stateLine(present)}`,
      remains: [
        ...manualCommands(pendingSteps(run), 'Not done', run.advice),
        ...manualUndoCommands(newestFirst(run), 'To undo it instead')
      ]
    })
  return undo(run, { why, checks, touched })
}

/** Ends this run without another action: another run works on the target now. */
export async function concludeTakenOver(run: RollbackRun, checks: Check[]): Promise<RollbackResult> {
  return conclude(run, {
    outcome: 'stuck',
    checks,
    state: `Another run has taken this target over, so this one stopped. ${stateLine(await presentState(run))}`,
    remains: ['Assess again: the other run may be finishing or undoing this rollback.']
  })
}

interface UndoRequest {
  why: string
  checks: Check[]
  /** Something that serves may have been changed. */
  touched: boolean
  /** A person asked for the earlier state, whether it serves or not. */
  asked?: boolean
}

/** Reverts the steps, newest first; what serves afterwards decides whether the rollback is called undone. */
export async function undo(
  run: RollbackRun,
  { why, checks, touched, asked = false }: UndoRequest
): Promise<RollbackResult> {
  const { begun } = run
  if (isTakenOver(run)) return concludeTakenOver(run, checks)
  const signal = unlessTakenOver(run, undoLimit(run))
  const { failed, left } = await revertSteps(run, newestFirst(run), signal)
  if (isTakenOver(run)) return concludeTakenOver(run, checks)
  const next = asked ? null : nextAfterLimit(run)
  if (!touched) {
    const after = await presentState(run)
    // That nothing was touched is what the record of an interrupted rollback says: only the target knows.
    const flaw = asked ? notBack(run, after) : null
    return conclude(run, {
      outcome: flaw ? 'stuck' : 'undone',
      checks,
      next,
      state: `${why}. ${flaw?.state ?? 'Nothing that serves was touched.'} ${stateLine(after)}`,
      remains: [
        ...(flaw ? [flaw.remains] : []),
        ...(failed ? manualUndoCommands(left, `Not undone (${failed.message})`) : [])
      ]
    })
  }
  if (failed)
    return conclude(run, {
      outcome: 'stuck',
      checks,
      next,
      state: `${why}. The undo failed, too: ${failed.message}. ${stateLine(await presentState(run))}`,
      remains: manualUndoCommands(left, 'Not undone')
    })
  const after = await settledState(run, (state) => !servesBetter(begun.health.state, state))
  const flaw = flawOf(run, after, asked)
  return conclude(run, {
    outcome: flaw ? 'stuck' : 'undone',
    checks,
    next,
    state: `${why}. ${flaw?.state ?? `${earlier(run)} is back as it was.`} ${stateLine(after)}`,
    remains: flaw ? [flaw.remains] : []
  })
}

const newestFirst = ({ beganSteps }: RollbackRun) => [...beganSteps].reverse()

const earlier = ({ begun }: RollbackRun): string => begun.from?.version ?? 'The earlier state'

interface Flaw {
  state: string
  remains: string
}

const look = 'Check whether it serves, then assess again.'
const choose = 'Choose another version, or deploy a fix: nothing serves as it should.'

/** Why the target does not show the release that served before; null where it does. */
function notBack({ begun: { from } }: RollbackRun, { seen, current }: Present): Flaw | null {
  if (!seen) return { state: 'It was undone, but the state now is unknown.', remains: look }
  if ((current?.id ?? null) === (from?.id ?? null)) return null
  return { state: 'It was undone, but the target does not show the earlier state.', remains: choose }
}

/** Why the state after an undo is not the earlier one, serving as well as it did; null where it is. */
function flawOf(run: RollbackRun, after: Present, asked: boolean): Flaw | null {
  const { health } = run.begun
  const away = notBack(run, after)
  if (away) return away
  const back = `${earlier(run)} is back in place`
  if (!asked && after.health.state === 'down' && health.state === 'down')
    return { state: `${back}, and it does not serve either.`, remains: choose }
  if (servesBetter(health, after.health))
    return { state: `${back}, but it was ${health.state} before and is ${after.health.state} now.`, remains: choose }
  if (after.health.state === 'unknown' && health.state !== 'unknown')
    return { state: `${back}, but its health is unknown.`, remains: look }
  return null
}

/** Why a failed switch is better left as it is; null where it is undone. */
function reasonToStay({ begun: { health: before }, beganSteps }: RollbackRun, present: Present): string | null {
  if (beganSteps.some(({ phase }) => phase === 'cleanup')) return 'the cleanup had begun, so an undo is impossible'
  const now = present.health.state
  if (servesBetter(before, present.health) || (now === 'down' && before.state === 'down')) return null
  if (now === 'unknown') return 'what serves now is unknown'
  if (before.state === 'unknown') return 'whether the earlier state served is unknown'
  const more = moreServing(before, present.health)
  if (more !== null && (more > 0 || (more === 0 && present.mixedReleases))) return null
  if (more !== null && more < 0)
    return `fewer instances served before (${share(before.instances)}) than now (${share(present.health.instances)})`
  return now === before.state
    ? `the earlier state was ${before.state}, too`
    : `the earlier state was ${before.state}, which is no better`
}

const share = (instances: Health['instances']): string =>
  instances ? `${instances.serving} of ${instances.all}` : 'unknown'

const pendingSteps = ({ begun, outcomes }: RollbackRun) =>
  begun.steps.filter(({ id }) => ['not run', 'failed'].includes(outcomes.get(id)?.state ?? ''))

const observeWithinMs = 30_000
const settleWithinMs = 30_000
const observeEveryMs = 1000

/** What is deployed in the middle, or at the end, of a rollback. */
interface Present extends Pick<Observation, 'current' | 'health' | 'mixedReleases'> {
  /** The target answered. */
  seen: boolean
  fingerprint?: string
}

/** What the target says now. A failed check counts for more than an observation that finds nothing wrong. */
async function presentState({ session, begun }: RollbackRun, checks: readonly Check[] = []): Promise<Present> {
  const observation: Observation | string = await session.target.observe(AbortSignal.timeout(observeWithinMs)).then(
    (observed) => observed.observation,
    (error: unknown) => messageOf(error)
  )
  if (typeof observation === 'string') {
    const message = `${begun.target} did not answer: ${observation}`
    return { seen: false, current: null, health: { state: 'unknown', message } }
  }
  const { state } = observation.health
  const failed = checks.find(({ status }) => status === 'fail')
  if (!failed || (state !== 'unknown' && !servesBetter(state, 'degraded'))) return { ...observation, seen: true }
  return { ...observation, seen: true, health: { state: 'degraded', message: `${failed.title}: ${failed.detail}` } }
}

/** The same, once it is as wanted or no longer progressing: what was started again needs a moment. */
async function settledState(run: RollbackRun, wanted: (state: HealthState) => boolean): Promise<Present> {
  const { clock } = run.session
  const until = clock.now().getTime() + settleWithinMs
  for (;;) {
    const present = await presentState(run)
    const isSettled = present.seen && (present.health.state !== 'progressing' || wanted('progressing'))
    if (isSettled || clock.now().getTime() >= until) return present
    await clock.sleep(observeEveryMs)
  }
}

/** The switch failed before it changed anything, for example for lack of permissions. */
const isUntouched = (present: Present, { fingerprint }: RollbackRun): boolean =>
  fingerprint !== undefined && fingerprint === present.fingerprint

const stateLine = ({ current, health, seen }: Present): string =>
  seen
    ? `Now: ${current?.version ?? 'nothing'} is deployed, ${health.state} (${health.message}).`
    : `Now: unknown (${health.message}).`
