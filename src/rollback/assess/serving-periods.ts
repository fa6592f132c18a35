import type { DeploymentRecord } from '../../model/deployment-record.ts'

/** A time during which a version served, as the history lets one infer. */
export interface ServingPeriod {
  version: string
  digest: string | undefined
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
  history.forEach((record, index) => {
    const begun = startedBy(record)
    const from = record.at
    if (begun) {
      const { version, digest } = begun
      periods.push({ version, digest, from, until, afterFailure: isFailure(history[index + 1]) })
    }
    if (from < until) until = from
  })
  return periods
}

/** The version that a record says began to serve; null for one that began nothing. */
export function startedBy(record: DeploymentRecord): Pick<DeploymentRecord, 'version' | 'digest'> | null {
  if (record.status === 'success') return record
  if (record.status !== 'rolled_back' || record.outcome !== 'succeeded' || !record.rollbackTo) return null
  return { version: record.rollbackTo, ...(record.rollbackToDigest && { digest: record.rollbackToDigest }) }
}

export const isFailure = (record: DeploymentRecord | undefined): boolean =>
  record?.status === 'failed' || record?.status === 'rolled_back'
