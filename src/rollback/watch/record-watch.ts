import type { NewRecord } from '../../model/deployment-record.ts'
import { sameDigest } from '../assess/evidence.ts'
import { rememberProven } from '../remember.ts'
import type { Session } from '../session.ts'
import type { WatchEnd } from './watch.ts'

/**
 * Records in deploy.json what a watch saw: a success with digest and configuration, or a failure with its reason. Nothing is recorded of
 * one that ended inconclusive, or what the newest record of the target says already.
 * @returns whether a record was added.
 * @throws ConfigError when it cannot be written.
 */
export async function recordWatch(session: Session, end: WatchEnd): Promise<boolean> {
  if (end.verdict === 'inconclusive') return false
  const { release, observation } = end
  const status = end.verdict === 'well' ? 'success' : 'failed'
  if (status === 'success') await rememberProven(session)
  const newest = session.history[0]
  const known = newest?.version === release.version && newest.status === status && sameDigest(newest.digest, release)
  if (known && newest.digest !== undefined) return false
  const record: NewRecord = {
    version: release.version,
    status,
    digest: release.id,
    ...(release.commit && { commit: release.commit }),
    ...(end.verdict === 'failed' && { error: end.why }),
    ...(end.verdict === 'well' && observation?.snapshot && { snapshot: observation.snapshot })
  }
  await session.record(record)
  return true
}
