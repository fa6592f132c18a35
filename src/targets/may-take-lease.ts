import type { LeaseRecord } from '../model/lease.ts'
import { isAlive } from '../support/is-alive.ts'

/**
 * Whether whoever asks may take the lease that is there: it has expired, or it is of the same rollback, which is being resumed, and
 * its holder is known to be dead. Of a holder on another machine that is never known, so there only the expiry counts.
 */
export const mayTakeLease = (
  { record, expired }: { record: LeaseRecord | null; expired: boolean },
  asking: LeaseRecord
): boolean => expired || (record?.rollbackId === asking.rollbackId && isAlive(record.holder) === false)

/** Whether a lease is this very run's: of the same rollback, which somebody else may have taken up, and of the same process. */
export const isHeldBy = (record: LeaseRecord | null, { rollbackId, holder }: LeaseRecord): boolean =>
  record?.rollbackId === rollbackId && record.holder.host === holder.host && record.holder.pid === holder.pid
