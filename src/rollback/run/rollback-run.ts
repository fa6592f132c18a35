import type { Step } from '../../model/step.ts'
import type { KeptLease } from '../guard/lease.ts'
import type { Journal, StepInEffect } from '../journal/journal.ts'
import type { Begun } from '../journal/journal-events.ts'
import type { Session } from '../session.ts'
import type { ExecuteHooks } from './execute.ts'
import type { Carrying, StepOutcome } from './step-runner.ts'

export interface CarryOutContext {
  journal: Journal
  lease: KeptLease | null
  limit: AbortSignal
  hooks: Pick<ExecuteHooks, 'report' | 'cancel'>
  failed: boolean
  lastGood?: boolean
  /** Resolves when the evidence is in the journal. */
  diagnosis: Promise<void>
  /** What an interrupted run has begun or done already, with what its steps recorded. */
  inEffect?: ReadonlyMap<string, StepInEffect>
  /** The observation's fingerprint before the first step: a failed switch that left it as it was has nothing to lose by being undone. */
  fingerprint?: string
}

export interface Ending {
  session: Session
  begun: Begun
  context: CarryOutContext
  carrying: Carrying
}

/** What the steps of a rollback run in; they stop when time is up, or when another run has taken the target over. */
export const carryingOf = (session: Session, begun: Begun, context: CarryOutContext): Carrying => ({
  session,
  journal: context.journal,
  rollbackId: begun.rollbackId,
  signal: unlessTakenOver(context, context.limit),
  cancelled: context.hooks.cancel,
  report: context.hooks.report,
  steps: begun.steps,
  outcomes: new Map(begun.steps.map((step) => [step.id, notRun(step)])),
  recorded: new Map([...(context.inEffect ?? [])].flatMap(([id, { recorded }]) => (recorded ? [[id, recorded]] : []))),
  remains: new Map([...(context.inEffect ?? [])].flatMap(([id, { remains }]) => (remains ? [[id, remains]] : [])))
})

export const unlessTakenOver = ({ lease }: CarryOutContext, signal: AbortSignal): AbortSignal =>
  lease ? AbortSignal.any([signal, lease.lost]) : signal

export const notRun = ({ id, title, phase }: Step): StepOutcome => ({ id, title, phase, state: 'not run' })

export const manualCommands = (steps: readonly Step[], why: string): string[] =>
  steps.map(
    (step) => `${why}: ${step.title}.${step.manualCommands ? ` By hand: ${step.manualCommands.join(' && ')}` : ''}`
  )

export const manualUndoCommands = (steps: readonly Step[], why: string): string[] =>
  steps.flatMap((step) =>
    step.undo
      ? [`${why}: ${step.undo}.${step.manualUndoCommands ? ` By hand: ${step.manualUndoCommands.join(' && ')}` : ''}`]
      : []
  )
