import type { CheckReport } from '../model/check.ts'
import type { DeploymentRecord } from '../model/deployment-record.ts'
import type { Diagnosis, Evidence } from '../model/diagnosis.ts'
import type { JsonObject } from '../model/json.ts'
import type { LeaseRecord } from '../model/lease.ts'
import type { Observation } from '../model/observation.ts'
import type { PlanDraft } from '../model/plan.ts'
import type { Release } from '../model/release.ts'
import type { Step } from '../model/step.ts'
import type { Clock } from '../support/clock.ts'
import type { Logger } from '../support/log.ts'
import type { Mask } from '../support/mask.ts'

/** All that a target is given when it is opened. */
export interface TargetContext<Config = unknown> {
  /** Its name in deploy.json; usually also its type. */
  name: string
  projectDir: string
  config: Config
  /** A person asked for the candidate's own configuration as well; never from deploy.json. */
  withConfig?: boolean
  /** This target's history, newest first. Evidence, not truth. */
  history: readonly DeploymentRecord[]
  env: NodeJS.ProcessEnv
  clock: Clock
  log: Logger
  /** Every secret that is read is registered here before it is used. */
  mask: Mask
}

/** What a running step may do besides its work. */
export interface Run {
  rollbackId: string
  /** Ids of the risks that the person accepted for this run; none where it resumes what a journal or lease tells of. */
  accepted: readonly string[]
  /** Aborted when time is up; a step then stops waiting at once and throws. */
  signal: AbortSignal
  /** Aborted when the caller wants out. A step that only waits for a person heeds it, before it has changed anything. */
  cancelled: AbortSignal
  /** A short line of progress for people: "12.3 of 40.1 MB", "2 of 3 pods ready". */
  progress(message: string): void
  /** A person can see what is reported and act on it. */
  attended: boolean
  /** Keeps text from outside for the incident report. */
  evidence(item: Evidence): void
}

export interface StepResult {
  /** One line for people about how it ended: "already there", "healthy after 3.2 s". */
  detail?: string
  /** Set when a person must do this step: the instructions, one line each. The rollback then ends `manual`. */
  manual?: string[]
  /** What the step leaves behind when the rollback succeeds and a person should know: "new deployments are built, and not live". */
  remains?: string[]
}

/** Makes a rollback visible on the target itself and keeps others off. */
export interface TargetLease {
  /**
   * Takes the lease where `mayTakeLease` says so; null where these rights do not let the target hold one.
   * @throws TargetError with code `locked` naming the holder, when somebody else holds it.
   */
  acquire(record: LeaseRecord, ttlMs: number, signal: AbortSignal): Promise<HeldLease | null>
}

export interface HeldLease {
  /** @throws TargetError with code `lease_lost` when somebody else has taken it. */
  renew(signal: AbortSignal): Promise<void>
  /** Sets `proven` in the record, for whoever finds it. */
  markProven(signal: AbortSignal): Promise<void>
  /** Removes it without trace; safe to repeat. */
  release(signal: AbortSignal): Promise<void>
}

/** What a target says now, and beside it what it read to say so: its own plans are made of that. */
export interface Observed<State> {
  observation: Observation
  state: State
}

/** The releases that a rollback goes between; `from` is null where nothing served. */
export interface Move {
  from: Release | null
  to: Release
}

/** What the steps of a journal or lease are held against: what the target says now. */
export interface Known<State> extends Move, Observed<State> {
  signal: AbortSignal
}

/** Steps of a journal or lease with their lines made anew; a line for each that is none of that rollback. */
export interface Reread {
  steps: Step[]
  mismatches: string[]
}

/** A place that versions are deployed to. Six verbs, and a lease where the place can hold one. */
export interface Target<State = unknown> {
  /** Reads what serves and what it could go back to. @throws TargetError when the target cannot be asked. */
  observe(signal: AbortSignal): Promise<Observed<State>>
  /** Reads; checks every precondition; the same observation and release give the same steps. */
  plan(observation: Observation, state: State, release: Release, signal: AbortSignal): Promise<PlanDraft>
  /**
   * Reads; holds the steps of an unfinished rollback, which a journal or a lease tells of, against the target: they are evidence, never a
   * script. Whatever of them was done already does not speak against them.
   */
  reread(steps: readonly Step[], known: Known<State>): Promise<Reread>
  /**
   * Acts; safe to repeat, also when a former try died half way.
   * @throws TargetError saying what failed, why, and what is the state now; with code `not_healthy` when the release itself does
   * not come up, which then speaks against it.
   */
  apply(step: Step, run: Run): Promise<StepResult>
  /** Acts; safe to repeat; must cope with a step of which nothing, a part or all was done. */
  revert(step: Step, run: Run): Promise<StepResult>
  /** Reads. Never throws for what the target says of itself: that is a check that fails, or is unknown. */
  check(release: Release, look: CheckOptions): Promise<CheckReport>
  /** Reads logs, events, exit codes of what serves now. Text is capped; masking is the caller's last pass, too. */
  diagnose(signal: AbortSignal): Promise<Diagnosis>
  /**
   * Acts, as far as rights allow: keeps beside the release that serves, which was just proven, the state of what it depends on and no
   * rollback restores. Changes nothing that serves.
   */
  remember?(signal: AbortSignal): Promise<void>
  readonly lease?: TargetLease
  /** Closes connections. */
  close?(): Promise<void>
}

export interface CheckOptions {
  signal: AbortSignal
  /** `observed` of the look that began this soak; a restart since then is a failure. */
  baseline?: JsonObject
  /** The release was put in place a moment ago: what is measured may still be of the one before. */
  settling?: boolean
}

/** What a look into the project without deploy.json found. Light: reads files, imports no client. */
export interface Found {
  /** Where a project has several targets of one type; else that type is its name. */
  name?: string
  config: JsonObject
  /** "compose.yaml names the image web:1.2.0". */
  because: string
}

export type Discover = (projectDir: string, env: NodeJS.ProcessEnv) => Promise<Found | null>

/** The same where a project may have several targets of one type. */
export type DiscoverAll = (projectDir: string, env: NodeJS.ProcessEnv) => Promise<readonly Found[]>
