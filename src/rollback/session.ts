import type { DeploymentRecord } from '../model/deployment-record.ts'
import type { JsonObject } from '../model/json.ts'
import type { Clock } from '../support/clock.ts'
import type { Logger } from '../support/log.ts'
import type { Mask } from '../support/mask.ts'
import type { Target } from '../targets/target.ts'

/** One target of a project, opened, with everything that the engine needs around it. */
export interface Session {
  name: string
  type: string
  /** deploy.json allows unattended rollbacks of it; the committed file decides. */
  automatic: boolean
  target: Target
  projectDir: string
  /** Newest first. */
  history: readonly DeploymentRecord[]
  settings: Settings
  files: SessionFiles
  /** What was assumed on the way here, for people. */
  notes: string[]
  clock: Clock
  log: Logger
  mask: Mask
  /** Adds a record to deploy.json. */
  record(record: NewRecord): Promise<void>
}

export interface SessionFiles {
  journals: string
  lock: string
  incidents: string
}

/** Durations in milliseconds. */
export interface Settings {
  soakMs: number
  limitMs: number
  maxAttempts: number
}

export interface NewRecord {
  version: string
  status: 'success' | 'failed' | 'rolled_back'
  durationMs?: number
  error?: string
  rollbackTo?: string
  rollbackId?: string
  outcome?: string
  digest?: string
  rollbackToDigest?: string
  commit?: string
  snapshot?: JsonObject
}
