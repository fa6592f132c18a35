import { z } from 'zod'

/** Known statuses first; a word nobody knows yet is kept, and proves nothing. */
export const deploymentStatusSchema = z.enum(['success', 'failed', 'rolled_back']).or(z.string())

/**
 * One record of deploy.json's history, newest first there. The first nine fields are popkit's own; the others are written by
 * this program (`record`, and each rollback). Unknown fields are kept.
 */
export const deploymentRecordSchema = z.looseObject({
  timestamp: z.string(),
  target: z.string(),
  version: z.string(),
  status: deploymentStatusSchema,
  commit_sha: z.string().nullish(),
  duration_ms: z.number().nullish(),
  error: z.string().nullish(),
  rollback_to: z.string().nullish(),
  /** Exact identity as the target names it: an image digest, a deployment id. */
  digest: z.string().nullish(),
  /** The same of the version that was rolled back to. */
  rollback_to_digest: z.string().nullish(),
  rollback_id: z.string().nullish(),
  outcome: z.string().nullish(),
  /** A snapshot of the configuration that served, as the target wrote it: names and hashes, never a secret value. */
  snapshot: z.record(z.string(), z.json()).nullish()
})

/** A history record with its time as a UTC instant. */
export interface DeploymentRecord {
  at: string
  target: string
  version: string
  status: string
  commit?: string
  durationMs?: number
  error?: string
  rollbackTo?: string
  digest?: string
  rollbackToDigest?: string
  rollbackId?: string
  outcome?: string
  snapshot?: Record<string, unknown>
}
