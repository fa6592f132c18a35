import { isoNow } from '../../support/clock.ts'
import type { Begun } from '../journal/journal-events.ts'
import type { Session } from '../session.ts'
import type { RollbackResult } from './result.ts'

/** Tells people that a rollback has begun, or goes on; nothing waits for it. */
export const announceBegun = ({ notifier, clock }: Session, { rollbackId, target, from, to }: Begun): void =>
  notifier.begun({ rollbackId, target, from: from?.version ?? null, to: to.version, at: isoNow(clock) })

/** Carries a rollback out and tells people how it ended, once every lock is released. What was not told is named in what remains. */
export async function announced(
  { notifier, clock }: Session,
  work: () => Promise<RollbackResult>
): Promise<RollbackResult> {
  const result = await work().catch(async (error: unknown) => {
    await notifier.ended({ event: 'interrupted', at: isoNow(clock) })
    throw error
  })
  const { outcome, durationMs, state } = result
  const untold = await notifier.ended({ at: isoNow(clock), outcome, durationMs, state })
  return { ...result, remains: [...result.remains, ...untold] }
}
