import { z } from 'zod'
import type { JsonObject } from './json.ts'
import type { LeaseRecord } from './lease.ts'
import type { Release } from './release.ts'
import { signalReadingSchema } from './signal.ts'

/**
 * `healthy` serves as it should; `progressing` is on its way there; `degraded` serves in part or fails its health check while running;
 * `down` serves nothing; `unknown` could not be read, and the message says why.
 */
const healthStateSchema = z.enum(['healthy', 'progressing', 'degraded', 'down', 'unknown'])

export const healthSchema = z.object({
  state: healthStateSchema,
  message: z.string(),
  /** It runs, and nothing tells whether it serves: there is no health check. */
  unchecked: z.boolean().optional(),
  /** Since when, ISO 8601, where the target knows. */
  since: z.string().optional(),
  /** How many instances (containers, tasks) serve, of how many, where the target can count them. */
  instances: z.object({ serving: z.number(), all: z.number() }).optional(),
  /** Where several things serve together: the health of each, so that two states can be compared part by part. */
  parts: z.record(z.string(), healthStateSchema).optional(),
  /** What the configured signals say. */
  signals: z.array(signalReadingSchema).optional()
})

export type HealthState = z.infer<typeof healthStateSchema>
export type Health = z.infer<typeof healthSchema>

/** Something an assessment found that may hurt. Serious ones are accepted one by one, by id. */
export interface Risk {
  id: string
  serious: boolean
  title: string
  detail: string
}

/** A reason why a rollback cannot begin, with what to do about it. */
export interface Blocker {
  id: string
  what: string
  why: string
  next: string
}

/** What a target itself says, now. */
export interface Observation {
  /** What serves, or should; also a broken release. null when nothing was ever deployed. */
  current: Release | null
  health: Health
  /** Several releases are deployed, or a rollout from one to another is unfinished. */
  mixedReleases?: boolean
  /** What it could go back to, without `current`; in no particular order. */
  releases: Release[]
  risks: Risk[]
  blockers: Blocker[]
  /** A hash of what every plan depends on, and of nothing that moves by itself (no uptime, restarts, health). */
  fingerprint: string
  /** The lease of a rollback on the target. */
  lease?: { record: LeaseRecord; expired: boolean }
  /** The packages that what serves provides, and those that it pulls when somebody installs it. */
  packages?: { provides: string[]; pulls: string[] }
  /** The configuration that serves now as names and hashes, never values; kept with a recorded success, compared later. */
  snapshot?: JsonObject
  /** Lines for people: what was assumed, where sources disagree. */
  notes: string[]
}
