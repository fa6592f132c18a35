import type { Step } from '../../model/step.ts'
import { anySignal } from '../../support/limit.ts'
import type { KeptLease } from '../guard/lock.ts'
import type { StepInEffect } from '../journal/journal.ts'
import type { Begun } from '../journal/journal-events.ts'
import type { Journal } from '../journal/write-journal.ts'
import type { Session } from '../session.ts'
import type { ExecuteHooks, StepOutcome } from './result.ts'

interface RunParts {
  session: Session
  begun: Begun
  journal: Journal
  lease: KeptLease | null
  /** Aborted when the time for the rollback is up. */
  limit: AbortSignal
  hooks: Pick<ExecuteHooks, 'report' | 'cancel' | 'attended' | 'gates'>
  /** The release that is left did not serve as it should. */
  failed: boolean
  lastGood?: boolean
  /** The risks that were accepted, where the rollback was begun in this run. */
  accepted?: readonly string[]
  /** Resolves when the evidence is in the journal. */
  diagnosis: Promise<void>
  /** The observation's fingerprint before the first step: the same one after a failed switch shows that nothing was changed. */
  fingerprint?: string
}

/** A running rollback: what it works with, and how far it is. */
export interface RollbackRun extends RunParts {
  /** When `limit` aborts. */
  endsBy: Date
  /** Steps that were begun, in this run or before an interruption, and not reverted since; in their order. */
  beganSteps: Step[]
  /** Ids of the steps that were done before an interruption. */
  doneBefore: ReadonlySet<string>
  outcomes: Map<string, StepOutcome>
  /** What must be done before a step that failed can be tried again. */
  advice: Map<string, string>
  /** What each step that was done leaves behind. */
  leftBehind: Map<string, string[]>
}

/** A run at its beginning, or where an interruption left it. */
export function rollbackRun(parts: RunParts, inEffect: ReadonlyMap<string, StepInEffect> = new Map()): RollbackRun {
  const entries = [...inEffect]
  return {
    ...parts,
    endsBy: new Date(parts.session.clock.now().getTime() + parts.session.settings.limitMs),
    beganSteps: parts.begun.steps.filter(({ id }) => inEffect.has(id)),
    doneBefore: new Set(entries.flatMap(([id, { done }]) => (done ? [id] : []))),
    outcomes: new Map(parts.begun.steps.map((step) => [step.id, { ...named(step), state: 'not run' }])),
    advice: new Map(),
    leftBehind: new Map(entries.flatMap(([id, { remains }]) => (remains ? [[id, remains]] : [])))
  }
}

/** Starts the time of a rollback anew, after it waited for others. */
export function restartLimit(run: RollbackRun): void {
  const { clock, settings } = run.session
  run.limit = clock.limit(settings.limitMs)
  run.endsBy = new Date(clock.now().getTime() + settings.limitMs)
}

export const named = ({ id, title, phase }: Step): Pick<StepOutcome, 'id' | 'title' | 'phase'> => ({ id, title, phase })

export const isTakenOver = ({ lease }: RollbackRun): boolean => lease?.lost.aborted ?? false

/** Aborted with `signal`, and when another run takes the target over. */
export const unlessTakenOver = ({ lease }: RollbackRun, signal: AbortSignal): AbortSignal =>
  lease ? anySignal(signal, lease.lost) : signal

export const hasSwitched = ({ beganSteps }: RollbackRun): boolean => beganSteps.some(({ phase }) => phase === 'switch')

/** A line for each step that a person must apply; for one that failed, what comes before it is tried again. */
export const manualCommands = (
  steps: readonly Step[],
  why: string,
  advice: ReadonlyMap<string, string> = new Map()
): string[] =>
  steps.map(({ id, title, manualCommands: commands }) => {
    const first = advice.get(id)
    return first
      ? `Failed: ${title}. First: ${first}${commandLine(commands, 'Then manually')}`
      : `${why}: ${title}.${commandLine(commands)}`
  })

/** A line for each step that a person must undo. */
export const manualUndoCommands = (steps: readonly Step[], why: string): string[] =>
  steps.flatMap((step) => (step.undo ? [`${why}: ${step.undo}.${commandLine(step.manualUndoCommands)}`] : []))

const commandLine = (commands: readonly string[] | undefined, how = 'Manually'): string =>
  commands?.length ? ` ${how}: ${commands.join(' && ')}` : ''
