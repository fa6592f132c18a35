import type { JsonObject } from '../model/json.ts'
import type { Step } from '../model/step.ts'
import type { ExecuteHooks } from './execute.ts'
import type { Journal } from './journal.ts'
import type { Begun } from './journal-events.ts'
import type { KeptLease } from './keep-lease.ts'
import type { Session } from './session.ts'
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
  /** Steps that an interrupted run has done already, with what they recorded. */
  done?: ReadonlySet<string>
  recorded?: Map<string, JsonObject>
  remains?: Map<string, string[]>
  /** The survey's fingerprint before the first step: a failed cure that left it as it was has nothing to lose by being undone. */
  fingerprint?: JsonObject
}

export interface Ending {
  session: Session
  begun: Begun
  context: CarryOutContext
  carrying: Carrying
}

export const notRun = ({ id, title, phase }: Step): StepOutcome => ({ id, title, phase, state: 'not run' })

export const byHand = (steps: readonly Step[], why: string): string[] =>
  steps.map((step) => `${why}: ${step.title}.${step.byHand ? ` By hand: ${step.byHand.join(' && ')}` : ''}`)

export const undoByHand = (steps: readonly Step[], why: string): string[] =>
  steps.flatMap((step) =>
    step.undo ? [`${why}: ${step.undo}.${step.undoByHand ? ` By hand: ${step.undoByHand.join(' && ')}` : ''}`] : []
  )
