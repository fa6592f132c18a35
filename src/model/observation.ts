import type { JsonObject } from './json.ts'
import type { LeaseRecord } from './lease.ts'
import type { Release } from './release.ts'

/**
 * `healthy` serves as it should; `progressing` is on its way there; `degraded` serves in part or fails its health check while running;
 * `down` serves nothing; `unknown` could not be seen, and the message says why.
 */
export type HealthState = 'healthy' | 'progressing' | 'degraded' | 'down' | 'unknown'

export interface Health {
  state: HealthState
  message: string
  /** Since when, ISO 8601, where the target knows. */
  since?: string
  /** Of how many instances (containers, tasks) how many serve, where the target can count them. */
  instances?: { serving: number; all: number }
  /** Where several things serve together: how each of them does, so that two states can be compared thing by thing. */
  parts?: Record<string, HealthState>
}

/** Something an assessment found that may hurt. Serious ones are accepted one by one, by id. */
export interface Risk {
  id: string
  serious: boolean
  title: string
  detail: string
}

/** A reason why a rollback cannot be begun, with what to do about it. */
export interface Blocker {
  id: string
  what: string
  why: string
  next: string
}

/** What a target itself says, now. */
export interface Observation {
  /** What serves, or should: also a broken one. null when nothing was ever deployed. */
  current: Release | null
  health: Health
  /** What is deployed is of several releases, or on its way from one to another: nobody's finished deployment. */
  mixedReleases?: boolean
  /** What it could go back to, without `current`; in no particular order. */
  releases: Release[]
  risks: Risk[]
  blockers: Blocker[]
  /** A hash of what every plan depends on, and of nothing that moves by itself (no uptime, restarts, health). */
  fingerprint: string
  /** A rollback that was begun on the target and whose lease is still there. */
  lease?: { record: LeaseRecord; expired: boolean }
  /** The configuration that serves now as names and hashes, never values; kept with a recorded success, compared later. */
  snapshot?: JsonObject
  /** Lines for people: what was assumed, where sources disagree. */
  notes: string[]
}
