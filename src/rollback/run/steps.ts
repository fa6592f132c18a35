import type { Step } from '../../model/step.ts'
import { RollbackError, TargetError } from '../../support/errors.ts'
import { quoteLine } from '../../support/quote.ts'
import type { Run, StepResult } from '../../targets/target.ts'
import type { Progress } from './result.ts'
import { hasSwitched, named, type RollbackRun } from './rollback-run.ts'
import { messageWithin } from './time-limit.ts'

export class StepFailed extends Error {
  readonly step: Step

  constructor(step: Step, cause: unknown, message: string) {
    super(message, { cause })
    this.step = step
  }
}

/** Applies one step, journaled before and after. @throws StepFailed. */
export async function applyStep(run: RollbackRun, step: Step, signal: AbortSignal): Promise<StepResult> {
  const { session, journal, outcomes } = run
  const elapsed = stopwatch(run)
  try {
    signal.throwIfAborted()
    await journal.append({ event: 'step', stepId: step.id, state: 'started' })
    say(run, step, 'started')
    const result = await session.target.apply(step, contextOf(run, step, signal, run.hooks.cancel))
    const { detail, remains, manual } = result
    if (remains) run.leftBehind.set(step.id, remains)
    const durationMs = elapsed()
    await journal.attempt({ event: 'step', stepId: step.id, state: 'done', durationMs, detail, remains })
    outcomes.set(step.id, { ...named(step), state: manual ? 'manual' : 'done', detail, durationMs })
    say(run, step, 'done', detail)
    return result
  } catch (error) {
    const message = messageWithin(run, signal, error)
    const detail = quoteLine(session.mask, message, 300)
    const durationMs = elapsed()
    const code = error instanceof RollbackError ? error.code : undefined
    if (error instanceof RollbackError) run.advice.set(step.id, quoteLine(session.mask, error.next, 500))
    await journal.attempt({ event: 'step', stepId: step.id, state: 'failed', durationMs, detail, code })
    outcomes.set(step.id, { ...named(step), state: 'failed', detail, durationMs })
    say(run, step, 'failed', detail)
    throw new StepFailed(step, error, message)
  }
}

/** Reverts steps in the order given, journaled. Stops at the first that fails; `left` are the steps that a person must undo. */
export async function revertSteps(
  run: RollbackRun,
  steps: readonly Step[],
  signal: AbortSignal
): Promise<{ failed: StepFailed | null; left: Step[] }> {
  for (const [index, step] of steps.entries()) {
    try {
      await revertStep(run, step, signal)
    } catch (error) {
      return { failed: new StepFailed(step, error, messageWithin(run, signal, error)), left: steps.slice(index) }
    }
  }
  return { failed: null, left: [] }
}

async function revertStep(run: RollbackRun, step: Step, signal: AbortSignal): Promise<void> {
  const { session, journal, outcomes } = run
  const elapsed = stopwatch(run)
  await journal.attempt({ event: 'revert', stepId: step.id, state: 'started' })
  try {
    const { detail, manual } = await session.target.revert(step, contextOf(run, step, signal, notCancellable))
    if (manual) throw needsPerson(step, manual)
    await journal.attempt({ event: 'revert', stepId: step.id, state: 'done', durationMs: elapsed(), detail })
    if (outcomes.get(step.id)?.state !== 'failed') outcomes.set(step.id, { ...named(step), state: 'reverted', detail })
    if (step.undo) say(run, step, 'done', `undone: ${detail ?? step.undo}`)
  } catch (error) {
    const detail = quoteLine(session.mask, messageWithin(run, signal, error), 300)
    await journal.attempt({ event: 'revert', stepId: step.id, state: 'failed', durationMs: elapsed(), detail })
    outcomes.set(step.id, { ...named(step), state: 'not reverted', detail })
    say(run, step, 'failed', `not undone: ${detail}`)
    throw error
  }
}

const needsPerson = ({ title }: Step, manual: readonly string[]): TargetError =>
  new TargetError({
    what: `"${title}" was not undone`,
    why: `a person must do it: ${manual.join(' ')}`,
    state: 'The step is still in effect.',
    next: 'Follow the instructions above.',
    code: 'manual_only'
  })

/** An undo always runs to its end. */
const notCancellable = new AbortController().signal

const stopwatch = ({ session: { clock } }: RollbackRun): (() => number) => {
  const began = clock.now().getTime()
  return () => clock.now().getTime() - began
}

const contextOf = (run: RollbackRun, step: Step, signal: AbortSignal, cancelled: AbortSignal): Run => ({
  rollbackId: run.begun.rollbackId,
  accepted: run.accepted ?? [],
  signal,
  cancelled,
  attended: run.hooks.attended?.() ?? false,
  progress: (message) => say(run, step, 'working', quoteLine(run.session.mask, message)),
  evidence: (item) => void run.journal.attempt({ event: 'evidence', item })
})

/** Reports progress of a step, or of the health check, which comes between the switch and the cleanup and counts as a step. */
export function say(run: RollbackRun, at: Step | 'check', state: Progress['state'], detail?: string): void {
  const { steps } = run.begun
  const beforeCheck = steps.filter(({ phase }) => phase !== 'cleanup').length
  const index = at === 'check' ? beforeCheck : steps.findIndex(({ id }) => id === at.id)
  run.hooks.report({
    index: index + (at !== 'check' && at.phase === 'cleanup' ? 2 : 1),
    total: steps.length + 1,
    title: at === 'check' ? 'Health check' : at.title,
    state,
    ...(detail && { detail: run.session.mask.text(detail) }),
    target: run.begun.target,
    switched: hasSwitched(run),
    endsBy: run.endsBy
  })
}
