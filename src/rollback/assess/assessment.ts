import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Diagnosis } from '../../model/diagnosis.ts'
import type { Blocker, Health, Observation, Risk } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import type { Interrupted } from '../journal/interrupted.ts'
import type { Plan } from './plan-id.ts'

/** A release to go back to, with the evidence for and against it. */
export interface Candidate {
  release: Release
  /** It was seen to serve well, and nothing bad is known since. */
  good: boolean
  /** When it last served well, as far as known. */
  lastGoodAt?: string
  /** Good, but it never served for an hour, and each time right after a failure: a hotfix among others. */
  shortLived: boolean
  evidenceFor: string[]
  evidenceAgainst: string[]
}

/** What serves, what to go back to, and how. */
export interface Assessment {
  target: string
  type: string
  observation: Observation
  current: Release | null
  health: Health
  /** The current release does not serve as it should, or its deployment is recorded as failed. */
  failed: boolean
  /** The record that says that the deployment of the current release failed. */
  recordedFailure: DeploymentRecord | null
  recommended: Candidate | null
  candidates: Candidate[]
  /** The candidate that the plan leads to. */
  chosen: Candidate | null
  risks: Risk[]
  blockers: Blocker[]
  plan: Plan | null
  interrupted: Interrupted | null
  /** The plan takes the candidate's own configuration back, too. */
  withConfig: boolean
  diagnosis: Diagnosis | null
  notes: string[]
}

/** Its version; of an identity, as much as names it. */
export const shortName = ({ version }: Release): string => version.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]{52}$/, '$1')
