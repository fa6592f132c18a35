import { fingerprint } from '../support/canonical.ts'
import type { Blocker, Risk } from './observation.ts'
import type { Step } from './step.ts'

/** What a target plans: the steps towards one release, every precondition already checked (each failed one is a blocker). */
export interface PlanDraft {
  steps: Step[]
  risks: Risk[]
  blockers: Blocker[]
  /** A hash of what this plan depends on beyond the observation's fingerprint: the candidate's digest, for one. */
  fingerprint: string
  notes: string[]
  /** The least soak that proves anything here, when longer than the usual: a controller's reconcile interval. */
  soakMs?: number
  /** What users notice of the switch, for people: "web stops before 1.1.0 starts"; absent where that is unknown. */
  gap?: string
  /** How long the steps may wait until what they stop has stopped, with the parts of that for people. */
  stops?: { ms: number; parts: string[] }
}

/** What speaks against a plan. */
export type Objections = Pick<PlanDraft, 'risks' | 'blockers'>

export const blockedBy = (...blockers: Blocker[]): Objections => ({ risks: [], blockers })

/** A plan that cannot be made. */
export const noPlan = (blocker: Blocker): PlanDraft => ({
  steps: [],
  ...blockedBy(blocker),
  fingerprint: fingerprint({}),
  notes: []
})
