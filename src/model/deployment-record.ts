import { z } from 'zod'

/** Known statuses first; an unknown word is kept, and proves nothing. */
export const deploymentStatusSchema = z.enum(['success', 'failed', 'rolled_back']).or(z.string())

/**
 * One record of deploy.json's history, newest first there, and the one list of its fields. The first nine are popkit's own; the
 * others are written by this program (`record`, and each rollback). Unknown fields are kept.
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
  /** The exact identity of the version that was rolled back to. */
  rollback_to_digest: z.string().nullish(),
  rollback_id: z.string().nullish(),
  outcome: z.string().nullish(),
  /** A snapshot of the configuration that served, as the target wrote it: names and hashes, never a secret value. */
  snapshot: z.record(z.string(), z.json()).nullish()
})

export type RawRecord = z.infer<typeof deploymentRecordSchema>

type CamelCase<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name
type Field = keyof typeof deploymentRecordSchema.shape
type Required = 'timestamp' | 'target' | 'version' | 'status'

/** A history record with its time as a UTC instant, `at`, and its commit under that name. */
export type DeploymentRecord = { at: string } & { [Name in Exclude<Required, 'timestamp'>]: RawRecord[Name] } & {
  [Name in Exclude<Field, Required> as Name extends 'commit_sha' ? 'commit' : CamelCase<Name>]?: NonNullable<
    RawRecord[Name]
  >
}

/** A record to be added; target and time are set when it is. */
export type NewRecord = Omit<DeploymentRecord, 'at' | 'target'>
