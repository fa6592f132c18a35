import type { Outage } from '../../incident/incident.ts'
import type { Check } from '../../model/check.ts'
import type { Outcome } from '../../model/outcome.ts'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import type { Assessment } from '../assess/assessment.ts'
import type { ResumeOption } from '../journal/interrupted.ts'

export interface ExecuteRequest {
  version: string
  planId: string
  accept: readonly string[]
  dryRun: boolean
}

export interface ExecuteHooks {
  report: ReportProgress
  /** For an unattended run: asked first whether its conditions hold. @throws naming each that does not. */
  unattended?(assessment: Assessment): Promise<void>
  /**
   * Asked once, before the rollback begins; not for a dry run. `option` is what was chosen for an interrupted rollback.
   * @throws when the answer is no.
   */
  consent(assessment: Assessment, option?: ResumeOption): Promise<void>
  /** Whether a person sees the progress and can act on it; absent where none does. */
  attended?(): boolean
  /** Aborted when the caller cancels; heeded at safe points. */
  cancel: AbortSignal
  /** Set where it is a part of a group. */
  gates?: Gates
}

/** Where a rollback that is a part of a group waits for the others. */
export interface Gates {
  /** Before the first switch; false where it is not to be made. */
  beforeSwitch(): Promise<boolean>
  /** Once it is in place and checked, before the cleanup. */
  beforeCleanup(): Promise<'keep' | 'undo'>
}

/** Progress of a running rollback: one line per step, and one for the health check. */
export interface Progress {
  /** From 1; the health check follows the last step before the cleanup. */
  index: number
  total: number
  title: string
  /** `serving`: the candidate serves, and is watched from now on. */
  state: 'started' | 'working' | 'serving' | 'done' | 'failed'
  detail?: string
  target: string
  /** The switch has begun: whoever ends the process now may leave the target without a version that serves. */
  switched: boolean
  /** When the time for the rollback is up. */
  endsBy: Date
}

type ReportProgress = (progress: Progress) => void

/** How one step ended. */
export interface StepOutcome {
  id: string
  title: string
  phase: Step['phase']
  state: 'done' | 'failed' | 'reverted' | 'not reverted' | 'not run' | 'checked' | 'manual'
  detail?: string
  durationMs?: number
}

/** How a rollback, or its dry run, ended. */
export interface RollbackResult {
  target: string
  rollbackId: string | null
  outcome: Outcome
  dryRun: boolean
  from: Release | null
  to: Release
  /** `from` did not serve as it should, or its deployment is recorded as failed. */
  failed: boolean
  /** `to` is the recommended candidate: the last one known to have served well. */
  lastGood: boolean
  steps: StepOutcome[]
  /** The steps are those of a resume option, health check included. */
  resumes: boolean
  checks: Check[]
  durationMs: number
  /** One or two sentences on what serves now. */
  state: string
  /** Where the candidate serves again: since when (ISO 8601 UTC), how long nothing or little did before, and how long it was watched. */
  back?: { at: string; outage: Outage; watchedMs: number }
  /** What a person still has to do, with the commands. */
  remains: string[]
  instructions: string[]
  /** How it ended, where the outcome does not say it. */
  title: string | null
  /** What to do next, where the outcome does not say it. */
  next: string | null
}

type Ran = 'outcome' | 'dryRun' | 'checks' | 'durationMs' | 'remains' | 'instructions' | 'title' | 'next'

/** The result of a dry run, which applied no step. */
export const dryRunResult = (plan: Omit<RollbackResult, Ran>): RollbackResult => ({
  ...plan,
  outcome: 'checked',
  dryRun: true,
  checks: [],
  durationMs: 0,
  remains: [],
  instructions: [],
  title: null,
  next: null
})
