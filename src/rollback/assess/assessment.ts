import type { Known } from '../../incident/outage.ts'
import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Diagnosis } from '../../model/diagnosis.ts'
import type { Blocker, Health, Observation, Risk } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import type { Interrupted } from '../journal/interrupted.ts'
import type { Plan } from './plan-id.ts'
import type { TellingLine } from './telling-lines.ts'

/** A release to go back to, with the evidence for and against it. */
export interface Candidate {
  release: Release
  /** It was seen to serve well, and nothing bad is known since. */
  good: boolean
  /** When it last served well, as far as known. */
  lastGoodAt?: string
  /** Good, but it never served for an hour, and each time right after a failure: a hotfix among others. */
  shortLived: boolean
  /** When it last served well, and for how long, as `source` knows. */
  served?: { forMs?: number; until?: string; source: string }
  evidenceFor: string[]
  evidenceAgainst: string[]
}

/** What serves, what to go back to, and how. */
export interface Assessment {
  target: string
  type: string
  /** When it was made, ISO 8601 UTC. */
  at: string
  observation: Observation
  current: Release | null
  health: Health
  /** The current release does not serve as it should, or its deployment is recorded as failed. */
  failed: boolean
  /** The record that says that the deployment of the current release failed. */
  recordedFailure: DeploymentRecord | null
  /** The earliest sign of its failure; null when it has not failed, or no source knows. */
  since: Known | null
  /** What its logs say of the failure, in their own words, with where each line is from; most telling first. */
  telling: TellingLine[]
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
  /** The other targets that were deployed with the same release, and how each serves now; where they were looked for. */
  neighbours?: Neighbour[]
  notes: string[]
}

/** Another target of the same release. */
export interface Neighbour {
  target: string
  /** How the two are known to be of one release: "same commit". */
  bond: string
  /** What serves there now; null where that is nothing, or the target did not answer in time. */
  version: string | null
  health: Health
  /** Its release does not serve as it should, or its deployment is recorded as failed. */
  failed: boolean
}

/** Its version; of an identity, as much as names it. */
export const shortName = ({ version }: Release): string => version.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]{52}$/, '$1')
