import { hostname } from 'node:os'
import type { LeaseRecord } from '../model/lease.ts'
import { TargetError } from '../support/errors.ts'
import { oneLine } from '../support/text.ts'

/** Someone else holds the lease of a target; `record` names the holder, if it can be read. */
export const leaseLocked = (record: LeaseRecord | null | undefined): TargetError =>
  new TargetError({
    what: 'Another rollback of this target is running',
    why: record
      ? oneLine(
          `${record.rollbackId} by ${record.holder.user} on ${record.holder.host}${record.holder.host === hostname() ? ` (process ${record.holder.pid})` : ''} since ${record.startedAt}`
        )
      : 'someone else took the lease at the same moment',
    next: 'Wait until it ends or its lease expires, then assess again.',
    code: 'locked',
    retryable: true
  })

/** A lease that was held is no longer ours; `place` is "cluster", "engine" or "swarm". */
export const leaseLost = (place: string, why: string): TargetError =>
  new TargetError({
    what: `The lease on the ${place} is lost`,
    why,
    state: 'The rollback stopped at a safe point.',
    next: 'Assess again: it shows what was started.',
    code: 'lease_lost'
  })
