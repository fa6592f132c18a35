import type { DeploymentRecord } from '../model/deployment-record.ts'
import type { Diagnosis, TimelineEvent } from '../model/diagnosis.ts'
import type { Health } from '../model/observation.ts'
import type { Release } from '../model/release.ts'
import type { SignalCourse } from '../model/signal.ts'
import type { Changes } from '../project/changes-between.ts'

export type Severity = 'P1' | 'P2' | 'P3' | 'P4'

export interface Outage {
  /** null when it is unknown. */
  ms: number | null
  /** No source has a sign of its beginning, or of its end. */
  inferred?: boolean
  from?: string
  until?: string
  /** What is known, and from what: one line for people. */
  says: string
}

/** A step of the rollback, for the picture. Times are ISO 8601 UTC. */
export interface IncidentStep {
  title: string
  from: string
  until: string
  failed?: boolean
}

export interface IncidentRollback {
  id: string
  /** `succeeded`, `undone`, `stuck`, `manual`, `cancelled`, `unverified`, or that it was interrupted. */
  outcome: string
  begunAt: string
  endedAt?: string
  /** When a check first passed again, and stayed passed: the end of the outage. */
  recoveredAt?: string
  steps: IncidentStep[]
  /** Who began it: "ada on build-7". */
  by: string
  /** Nobody was asked. */
  unattended: boolean
  /** Ids of the serious risks that were accepted. */
  accepted: readonly string[]
}

/** All that an incident report is made of; every text in it may come from outside. */
export interface Incident {
  target: string
  /** The release that failed. */
  from: Release | null
  /** The release that was rolled back to, or was to be. */
  to: Release | null
  /** How the failed one was before the rollback. */
  health: Health | null
  /** The target's records, in any order. */
  history: readonly DeploymentRecord[]
  diagnosis: Diagnosis | null
  /** What the journal says that happened. */
  events: readonly TimelineEvent[]
  rollback: IncidentRollback | null
  /** How the configured signals went, where the journal has it. */
  signals?: readonly SignalCourse[]
  changes: Changes
  /** What a person still has to do, one line each. */
  remains: readonly string[]
  /** The incidents of the single targets, where several were rolled back as one. */
  parts?: readonly Incident[]
  /** Given by the caller. */
  severity?: Severity
  rootCause?: string
  impact?: string
  notes?: string
  /** When the report is written. */
  now: string
}
