import type { Check } from '../../model/check.ts'
import type { Health } from '../../model/observation.ts'
import type { Step } from '../../model/step.ts'
import { moreServing, servesBetter } from './compare-health.ts'
import { conclude } from './conclude.ts'
import type { RollbackResult } from './execute.ts'
import { isUntouched, type Present, presentState, settledState, stateLine } from './present-state.ts'
import { type Ending, manualCommands, manualUndoCommands, unlessTakenOver } from './rollback-run.ts'
import { revertSteps } from './step-runner.ts'

/** Before anything that serves was touched: take back the preparations. */
export async function cancelled(ending: Ending, beganSteps: readonly Step[]): Promise<RollbackResult> {
  const { failed, left } = await revertSteps(ending.carrying, [...beganSteps].reverse())
  return conclude(ending, {
    outcome: 'cancelled',
    state: `Cancelled before anything that serves was touched; ${ending.begun.from?.version ?? 'what was there'} is as it was.`,
    remains: failed ? manualUndoCommands(left, failed.message) : []
  })
}

/**
 * A failed switch is undone towards a state that was seen to serve better than the present one, or where nothing serves now and
 * nothing served before; unknown is no reason to undo. Of two states of the same health the one serves better in which more instances
 * do; where as many do, one release is better than a mixture of two. So a roll that stops half way is put back, unless that
 * would take away instances that serve only since then.
 */
export async function undoRollback(
  ending: Ending,
  beganSteps: readonly Step[],
  why: string,
  checks: Check[]
): Promise<RollbackResult> {
  const { session, begun, context } = ending
  if (context.lease?.lost.aborted) return takenOver(ending, checks)
  const steps = [...beganSteps].reverse()
  const touched = beganSteps.some(({ phase }) => phase === 'switch')
  const present = touched ? await presentState(session, begun, checks) : null
  const whyStay = present && !isUntouched(present, context) ? reasonToStay(begun.health, present, beganSteps) : null
  if (present && whyStay)
    return conclude(ending, {
      outcome: 'stuck',
      checks,
      state: `${why}. It was not undone, for ${whyStay}. ${stateLine(present)}`,
      remains: [...manualCommands(pending(ending), 'Not done'), ...manualUndoCommands(steps, 'to go back instead')]
    })
  return undoAll(ending, { why, checks, steps, touched })
}

/** Whatever another run does with the target now, this one keeps its hands off. */
export async function takenOver(ending: Ending, checks: Check[]): Promise<RollbackResult> {
  const present = await presentState(ending.session, ending.begun)
  return conclude(ending, {
    outcome: 'stuck',
    checks,
    state: `Another run has taken this target over, so nothing more was done here. ${stateLine(present)}`,
    remains: ['Assess again: the other run may be finishing or undoing this one.']
  })
}

export interface Undoing {
  why: string
  checks: Check[]
  /** What is reverted, in this order. */
  steps: readonly Step[]
  /** Something that serves may have been changed. */
  touched: boolean
  /** A person wanted the earlier state back, whether it serves or not. */
  asked?: boolean
}

/** Reverts steps and says what has become of it: what serves afterwards decides whether the earlier state is restored. */
export async function undoAll(
  ending: Ending,
  { why, checks, steps, touched, asked = false }: Undoing
): Promise<RollbackResult> {
  const { session, begun, carrying, context } = ending
  if (context.lease?.lost.aborted) return takenOver(ending, checks)
  // The time limit that ended the switch must not end the way back.
  const signal = unlessTakenOver(context, session.clock.limit(session.settings.limitMs))
  const { failed, left } = await revertSteps({ ...carrying, signal }, steps)
  if (context.lease?.lost.aborted) return takenOver(ending, checks)
  const { state: before } = begun.health
  if (!touched) {
    const now = stateLine(await presentState(session, begun))
    const from = begun.from?.version ?? 'what was there'
    return conclude(ending, {
      outcome: 'undone',
      checks,
      state: `${why}. Nothing that serves was touched; ${from} is as it was. ${now}`,
      remains: failed ? manualUndoCommands(left, `Not taken back (${failed.message})`) : []
    })
  }
  if (failed)
    return conclude(ending, {
      outcome: 'stuck',
      checks,
      state: `${why}. Undoing it failed, too: ${failed.message}. ${stateLine(await presentState(session, begun))}`,
      remains: manualUndoCommands(left, 'Not undone')
    })
  const after = await settledState(session, begun, (state) => !servesBetter(before, state))
  const flaw = flawOf(ending, after, asked)
  return conclude(ending, {
    outcome: flaw ? 'stuck' : 'undone',
    checks,
    state: `${why}. ${flaw?.state ?? `${nameOf(ending)} is back as it was.`} ${stateLine(after)}`,
    remains: flaw ? [flaw.remains] : []
  })
}

const nameOf = ({ begun }: Ending): string => begun.from?.version ?? 'The state before'

/** What keeps the state after the way back from being the earlier one, serving as well as it did. */
function flawOf(ending: Ending, after: Present, asked: boolean): { state: string; remains: string } | null {
  const { from, health } = ending.begun
  const look = 'Look for yourself whether it serves, then assess again.'
  const choose = 'Choose another version, or deploy a fix: nothing serves as it should.'
  if (!after.seen) return { state: 'It was undone, but what serves now could not be seen.', remains: look }
  if (after.currentId !== (from?.id ?? null))
    return { state: 'It was undone, but the target does not show the earlier state.', remains: choose }
  const back = `${nameOf(ending)} is back in place`
  if (!asked && after.health.state === 'down' && health.state === 'down')
    return { state: `${back} as it was, and it does not serve either.`, remains: choose }
  if (servesBetter(health, after.health))
    return { state: `${back}, but it was ${health.state} before and is ${after.health.state} now.`, remains: choose }
  if (after.health.state === 'unknown' && health.state !== 'unknown')
    return { state: `${back}, but whether it serves could not be seen.`, remains: look }
  return null
}

/** Why a failed switch is better left as it is; null where it is undone. */
function reasonToStay(before: Health, present: Present, beganSteps: readonly Step[]): string | null {
  if (beganSteps.some(({ phase }) => phase === 'cleanup'))
    return 'cleaning up had begun, and with it the way back ended'
  const now = present.health.state
  if (servesBetter(before, present.health) || (now === 'down' && before.state === 'down')) return null
  if (now === 'unknown') return 'what serves now is unknown'
  if (before.state === 'unknown') return 'whether the earlier state served is unknown'
  const more = moreServing(before, present.health)
  if (more !== null && (more > 0 || (more === 0 && present.isMixed))) return null
  if (more !== null && more < 0)
    return `fewer instances served before: ${share(before.instances)}, and now ${share(present.health.instances)}`
  return now === before.state
    ? `the earlier state was ${before.state}, too`
    : `the earlier state was ${before.state}, which is no better`
}

const share = (instances: Health['instances']): string =>
  instances ? `${instances.serving} of ${instances.all}` : 'unknown'

const pending = ({ carrying }: Ending): Step[] =>
  carrying.steps.filter(({ id }) => {
    const state = carrying.outcomes.get(id)?.state
    return state === 'not run' || state === 'failed'
  })
