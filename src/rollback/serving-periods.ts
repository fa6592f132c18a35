import type { DeploymentRecord } from '../model/deployment-record.ts'

/** A time during which a version served, as the history lets one infer. */
export interface ServingPeriod {
  version: string
  digest?: string
  from: string
  until: string
}

/**
 * Reads serving periods out of a history (newest first): a recorded success, or a rollback of this program that was proven,
 * begins one; the next deployment or rollback ends it; a failure recorded for the version itself ends it, too.
 * A `rolled_back` record without an outcome begins nothing: popkit's own prove nothing about what serves.
 */
export function servingPeriods(history: readonly DeploymentRecord[], now: string): ServingPeriod[] {
  const periods: ServingPeriod[] = []
  let until = now
  for (const record of history) {
    const begun = startedBy(record)
    if (begun) periods.push({ ...begun, from: record.at, until })
    if (record.at < until) until = record.at
  }
  return periods
}

/** The version that a record says began to serve; null for one that began nothing. */
export function startedBy(record: DeploymentRecord): { version: string; digest?: string } | null {
  if (record.status === 'success') return { version: record.version, ...(record.digest && { digest: record.digest }) }
  if (record.status === 'rolled_back' && record.outcome === 'succeeded' && record.rollbackTo)
    return { version: record.rollbackTo }
  return null
}
