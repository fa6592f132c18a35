import { messageOf } from '../../support/errors.ts'
import { isAbort } from '../../support/explain-abort.ts'
import { duration } from '../../support/text.ts'
import { isTakenOver, type RollbackRun } from './rollback-run.ts'

/** Why something failed that `limit` may have ended; an abort says nothing of a limit. */
export function messageWithin(run: RollbackRun, limit: AbortSignal, error: unknown): string {
  const isOver = limit.aborted && isAbort(error) && !isTakenOver(run)
  return isOver ? 'the time limit was reached' : messageOf(error)
}

/** What was in hand when the limit was reached, for the first sentence of the answer; null where it was not. */
export const reachedAt = ({ session: { settings }, limit }: RollbackRun, doing: string): string | null =>
  limit.aborted ? `The time limit of ${duration(settings.limitMs)} (limit_minutes) was reached at ${doing}` : null

/** What to do next after a rollback that failed at its limit; null after any other. */
export const nextAfterLimit = ({ session: { name }, limit }: RollbackRun): string | null =>
  limit.aborted ? `Raise targets.${name}.config.rollback.limit_minutes in deploy.json, then assess again` : null

const leastUndoMs = 15 * 60_000

/** An undo that is cut off may leave nothing that serves: it has more time than a short limit gives. */
export const undoLimit = ({ session: { clock, settings } }: RollbackRun): AbortSignal =>
  clock.limit(Math.max(settings.limitMs, leastUndoMs))
