import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release } from '../../model/release.ts'
import { sameDigest } from './candidates.ts'
import { startedBy } from './serving-periods.ts'

/** What the history (newest first) says of the deployment that made a release serve. */
export interface RecordedFailure {
  record: DeploymentRecord
  /** The release had served already: the deployment that failed was a repetition, and what serves is from before it. */
  repeated: boolean
}

/** The failure that the history records last for what serves; null when the last word on it is another. */
export function recordedFailure(history: readonly DeploymentRecord[], current: Release | null): RecordedFailure | null {
  if (!current) return null
  const begins = (record: DeploymentRecord): boolean => {
    const begun = startedBy(record)
    return begun?.version === current.version && sameDigest(begun.digest, current)
  }
  const last = history.findIndex((record) => record.version === current.version || begins(record))
  const record = history[last]
  if (record?.status !== 'failed') return null
  const before = history.slice(last + 1).find((older) => startedBy(older) !== null)
  return { record, repeated: before !== undefined && begins(before) }
}
