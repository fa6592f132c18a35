import type { Check } from '../model/check.ts'
import type { JsonObject } from '../model/json.ts'
import type { Step } from '../model/step.ts'
import type { HealthState, Survey } from '../model/survey.ts'
import { fingerprintOf } from '../support/canonical.ts'
import { messageOf } from '../support/errors.ts'
import { conclude } from './conclude.ts'
import { byHand, type CarryOutContext, type Ending, undoByHand } from './ending.ts'
import type { RollbackResult } from './execute.ts'
import { servesBetter } from './health.ts'
import type { Begun } from './journal-events.ts'
import type { Session } from './session.ts'
import { revertSteps } from './step-runner.ts'

/** Before anything that serves was touched: take back the preparations. */
export async function cancelled(ending: Ending, beganSteps: readonly Step[]): Promise<RollbackResult> {
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
export async function wayBack(
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
  if (context.lease?.lost.aborted)
    return conclude(back, {
      outcome: 'stuck',
      checks,
      state: `Another run has taken this target over, so nothing more was done here, and nothing undone. ${stateLine(present ?? (await presentState(session, begun)))}`,
      remains: ['Assess again: the other run may be finishing or undoing this one.']
    })
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
  if (now === before) return `the earlier state was ${before}, too`
  return `the earlier state was ${before}, which is no better`
}

const stateLine = ({ version, health, message }: Present): string =>
  `Now: ${version ?? 'nothing known'} is in place, ${health} (${message}).`

const pending = ({ carrying }: Ending): Step[] =>
  carrying.steps.filter(({ id }) => {
    const state = carrying.outcomes.get(id)?.state
    return state === 'not run' || state === 'failed'
  })
