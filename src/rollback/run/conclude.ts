import type { Check } from '../../model/check.ts'
import type { Outcome } from '../../model/outcome.ts'
import { messageOf } from '../../support/errors.ts'
import { settled } from '../assess/former-rollbacks.ts'
import type { RollbackResult } from './execute.ts'
import type { Ending } from './rollback-run.ts'

export interface Conclusion {
  outcome: Outcome
  state: string
  checks?: Check[]
  remains?: string[]
  instructions?: string[]
}

/** Ends a rollback: the history first, the journal last, so that what is journaled as ended has nothing left to do. */
export async function conclude(
  { session, begun, context, carrying }: Ending,
  conclusion: Conclusion
): Promise<RollbackResult> {
  await context.diagnosis
  const durationMs = session.clock.now().getTime() - Date.parse(begun.at)
  const remains = session.mask.data([...(conclusion.remains ?? []), ...(await recorded())])
  remains.push(...(await leaseReleased()))
  const state = session.mask.text(conclusion.state)
  await carrying.journal
    .append({ event: 'ended', outcome: conclusion.outcome, durationMs, state, remains })
    .catch((error: unknown) => {
      remains.push(
        `The journal could not be ended (${messageOf(error)}): the next assessment will call this rollback interrupted.`
      )
    })
  return {
    rollbackId: begun.rollbackId,
    outcome: conclusion.outcome,
    dryRun: false,
    from: begun.from,
    to: begun.to,
    failed: context.failed,
    lastGood: context.lastGood ?? false,
    steps: begun.steps.flatMap(({ id }) => carrying.outcomes.get(id) ?? []),
    checks: conclusion.checks ?? [],
    durationMs,
    state,
    remains,
    instructions: conclusion.instructions ?? []
  }

  async function recorded(): Promise<string[]> {
    if (conclusion.outcome !== 'succeeded' && conclusion.outcome !== 'unverified') return []
    // killed after the record and before its end, a rollback that is finished has its record already
    if (!begun.from || settled(session.history, begun.rollbackId)) return []
    try {
      await session.record({
        version: begun.from.version,
        status: 'rolled_back',
        durationMs,
        rollbackTo: begun.to.version,
        rollbackId: begun.rollbackId,
        outcome: conclusion.outcome,
        digest: begun.from.id,
        rollbackToDigest: begun.to.id,
        ...(begun.from.commit && { commit: begun.from.commit })
      })
      return []
    } catch (error) {
      return [`deploy.json has no record of this rollback: ${messageOf(error)}`]
    }
  }

  async function leaseReleased(): Promise<string[]> {
    try {
      await context.lease?.release(AbortSignal.timeout(15_000))
      return []
    } catch (error) {
      return [`The lease on the target could not be removed (it expires by itself): ${messageOf(error)}`]
    }
  }
}
