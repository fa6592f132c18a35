import type { DeploymentRecord } from '../model/deployment-record.ts'

/** A time during which a version served, as the history lets one infer. */
export interface ServingPeriod {
  version: string
  digest?: string
  from: string
  until: string
  /** What the history records right before it is a failure, or a rollback. */
  afterFailure: boolean
}

/**
 * Reads serving periods out of a history (newest first): a recorded success, or a rollback of this program that was proven,
 * begins one; the next deployment or rollback ends it; a failure recorded for the version itself ends it, too.
 * A `rolled_back` record without an outcome begins nothing: popkit's own prove nothing about what serves.
 */
export function servingPeriods(history: readonly DeploymentRecord[], now: string): ServingPeriod[] {
  const periods: ServingPeriod[] = []
  let until = now
  for (const [index, record] of history.entries()) {
    const begun = startedBy(record)
    if (begun) periods.push({ ...begun, from: record.at, until, afterFailure: isFailure(history[index + 1]) })
    if (record.at < until) until = record.at
  }
  return periods
}

/** The version that a record says began to serve; null for one that began nothing. */
export function startedBy(record: DeploymentRecord): { version: string; digest?: string } | null {
  const { status, version, digest, rollbackTo, rollbackToDigest } = record
  if (status === 'success') return { version, ...(digest && { digest }) }
  if (status === 'rolled_back' && record.outcome === 'succeeded' && rollbackTo)
    return { version: rollbackTo, ...(rollbackToDigest && { digest: rollbackToDigest }) }
  return null
}

export const isFailure = (record: DeploymentRecord | undefined): boolean =>
  record?.status === 'failed' || record?.status === 'rolled_back'
