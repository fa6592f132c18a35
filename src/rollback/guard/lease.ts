import type { JsonObject } from '../../model/json.ts'
import { snakeCase } from '../../support/casing.ts'
import { messageOf } from '../../support/errors.ts'
import type { HeldLease } from '../../targets/target.ts'
import type { Begun } from '../journal/journal-events.ts'
import type { Session } from '../session.ts'
import { thisHolder } from './lock.ts'

const ttlMs = 60_000
const renewEveryMs = 15_000

/** A lease that renews itself until it is released; `lost` is aborted when another run has taken it. */
export interface KeptLease extends HeldLease {
  lost: AbortSignal
  /** Stops renewing; the lease stays until it expires. */
  stop(): void
}

/**
 * Takes the target's lease, where the target can hold one. It holds all that another machine needs to finish or undo the rollback;
 * `proven` says that the cleanup has begun.
 */
export async function keepLease(
  session: Session,
  begun: Begun,
  signal: AbortSignal,
  proven = false
): Promise<KeptLease | null> {
  const record = {
    rollbackId: begun.rollbackId,
    holder: thisHolder(),
    startedAt: begun.at,
    begun: snakeCase(session.mask.record(begun)) as JsonObject,
    ...(proven && { proven })
  }
  const held = await session.target.lease?.acquire(record, ttlMs, signal)
  if (!held) return null
  const lost = new AbortController()
  const renewal = setInterval(() => {
    held.renew(AbortSignal.timeout(renewEveryMs)).catch((error: unknown) => {
      session.log('warning', `The lease could not be renewed: ${messageOf(error)}`)
      if ((error as { code?: unknown }).code === 'lease_lost') lost.abort(error)
    })
  }, renewEveryMs)
  renewal.unref()
  const stop = (): void => clearInterval(renewal)
  return {
    lost: lost.signal,
    renew: held.renew,
    markProven: held.markProven,
    stop,
    async release(releaseSignal) {
      stop()
      await held.release(releaseSignal)
    }
  }
}
