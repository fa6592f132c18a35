import type { JsonObject } from '../../model/json.ts'
import type { Step } from '../../model/step.ts'
import { messageOf, RollbackError, TargetError } from '../../support/errors.ts'
import { quoteLine } from '../../support/quote.ts'
import type { Run, StepResult } from '../../targets/target.ts'
import type { Journal } from '../journal/journal.ts'
import type { Session } from '../session.ts'
import type { ReportProgress } from './progress.ts'

/** How one step ended, for the result that is shown. */
export interface StepOutcome {
  id: string
  title: string
  phase: Step['phase']
  state: 'done' | 'failed' | 'reverted' | 'not reverted' | 'not run' | 'checked' | 'manual'
  detail?: string
  durationMs?: number
}

export interface Carrying {
  session: Session
  journal: Journal
  rollbackId: string
  signal: AbortSignal
  cancelled: AbortSignal
  report: ReportProgress
  /** All steps and the health check, for "[2/5]". */
  steps: readonly Step[]
  outcomes: Map<string, StepOutcome>
  recorded: Map<string, JsonObject>
  /** What each step that was done leaves behind. */
  remains: Map<string, string[]>
}

export class StepFailed extends Error {
  readonly step: Step

  constructor(step: Step, cause: unknown) {
    super(messageOf(cause), { cause })
    this.step = step
  }
}

/** Applies one step, journaled before and after. @throws StepFailed. */
export async function applyStep(carrying: Carrying, step: Step): Promise<StepResult> {
  const { session, journal, outcomes } = carrying
  const began = session.clock.now().getTime()
  const elapsed = (): number => session.clock.now().getTime() - began
  try {
    carrying.signal.throwIfAborted()
    await journal.append({ event: 'step', stepId: step.id, state: 'started' })
    say(carrying, step, 'started')
    const result = await session.target.apply(step, runOf(carrying, step, carrying.cancelled))
    if (result.recorded) carrying.recorded.set(step.id, result.recorded)
    if (result.remains) carrying.remains.set(step.id, result.remains)
    await journal.attempt({
      event: 'step',
      stepId: step.id,
      state: 'done',
      durationMs: elapsed(),
      ...(result.detail && { detail: result.detail }),
      ...(result.recorded && { recorded: result.recorded }),
      ...(result.remains && { remains: result.remains })
    })
    outcomes.set(step.id, {
      ...named(step),
      state: result.manual ? 'manual' : 'done',
      ...(result.detail && { detail: result.detail }),
      durationMs: elapsed()
    })
    say(carrying, step, 'done', result.detail)
    return result
  } catch (error) {
    const detail = quoteLine(session.mask, messageOf(error), 300)
    const code = error instanceof RollbackError ? { code: error.code } : {}
    await journal.attempt({ event: 'step', stepId: step.id, state: 'failed', durationMs: elapsed(), detail, ...code })
    outcomes.set(step.id, { ...named(step), state: 'failed', detail, durationMs: elapsed() })
    say(carrying, step, 'failed', detail)
    throw new StepFailed(step, error)
  }
}

/** Reverts steps in the order given, journaled. Stops at the first that fails and returns what is left to do by hand. */
export async function revertSteps(
  carrying: Carrying,
  steps: readonly Step[]
): Promise<{ failed: StepFailed | null; left: Step[] }> {
  for (const [index, step] of steps.entries()) {
    try {
      await revertStep(carrying, step)
    } catch (error) {
      return { failed: new StepFailed(step, error), left: steps.slice(index) }
    }
  }
  return { failed: null, left: [] }
}

async function revertStep(carrying: Carrying, step: Step): Promise<void> {
  const { session, journal, outcomes } = carrying
  const began = session.clock.now().getTime()
  const elapsed = (): number => session.clock.now().getTime() - began
  await journal.attempt({ event: 'revert', stepId: step.id, state: 'started' })
  try {
    const result = await session.target.revert(step, runOf(carrying, step, unheeded), carrying.recorded.get(step.id))
    if (result.manual) throw byAPerson(step, result.manual)
    await journal.attempt({
      event: 'revert',
      stepId: step.id,
      state: 'done',
      durationMs: elapsed(),
      ...(result.detail && { detail: result.detail })
    })
    const before = outcomes.get(step.id)
    if (before?.state !== 'failed')
      outcomes.set(step.id, { ...named(step), state: 'reverted', ...(result.detail && { detail: result.detail }) })
    if (step.undo) say(carrying, step, 'done', `undone: ${result.detail ?? step.undo}`)
  } catch (error) {
    const detail = quoteLine(session.mask, messageOf(error), 300)
    await journal.attempt({ event: 'revert', stepId: step.id, state: 'failed', durationMs: elapsed(), detail })
    outcomes.set(step.id, { ...named(step), state: 'not reverted', detail })
    say(carrying, step, 'failed', `not undone: ${detail}`)
    throw error
  }
}

/** What only a person can undo is not undone. */
const byAPerson = ({ title }: Step, manual: readonly string[]): TargetError =>
  new TargetError({
    what: `"${title}" was not undone`,
    why: `a person must do it: ${manual.join(' ')}`,
    state: 'It stands as it is.',
    next: 'Do what is said there.',
    code: 'manual_only'
  })

const named = ({ id, title, phase }: Step): Pick<StepOutcome, 'id' | 'title' | 'phase'> => ({ id, title, phase })

/** The way back is never cut short. */
const unheeded = new AbortController().signal

function runOf(carrying: Carrying, step: Step, cancelled: AbortSignal): Run {
  return {
    rollbackId: carrying.rollbackId,
    signal: carrying.signal,
    cancelled,
    progress: (message) => say(carrying, step, 'working', quoteLine(carrying.session.mask, message)),
    evidence: (item) => void carrying.journal.attempt({ event: 'evidence', item })
  }
}

function say(carrying: Carrying, step: Step, state: 'started' | 'working' | 'done' | 'failed', detail?: string): void {
  const { index, total } = position(carrying.steps, step)
  carrying.report({
    index,
    total,
    title: step.title,
    state,
    ...(detail && { detail: carrying.session.mask.text(detail) })
  })
}

/** The health check stands between the switch and the cleanup, and counts as a step. */
export function position(steps: readonly Step[], step: Step | 'check'): { index: number; total: number } {
  const before = steps.filter(({ phase }) => phase !== 'cleanup').length
  if (step === 'check') return { index: before + 1, total: steps.length + 1 }
  const index = steps.findIndex(({ id }) => id === step.id)
  return { index: index + (step.phase === 'cleanup' ? 2 : 1), total: steps.length + 1 }
}
