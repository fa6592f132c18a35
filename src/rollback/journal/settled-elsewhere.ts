import type { Survey } from '../../model/observation.ts'
import { isAlive } from '../../support/is-alive.ts'
import type { Story } from './journal.ts'

/** No rollback runs for so long, the wait for a person and the way back included. */
const oldMs = 24 * 3_600_000

/**
 * Journals without an end that came here from another machine (committed, synchronized), are older than a day, left no mark on the
 * target, and have nothing to finish or undo there: what serves is healthy, or neither of their two versions.
 */
export const settledElsewhere = (stories: readonly Story[], survey: Survey, now: string): Story[] =>
  stories.filter(
    (story) =>
      story.ended === null &&
      isAlive(lastHolder(story)) === null &&
      Date.parse(now) - Date.parse(story.events.at(-1)?.at ?? story.begun.at) > oldMs &&
      survey.lease?.record.rollbackId !== story.begun.rollbackId &&
      (survey.health.state === 'healthy' || isOvertaken(story, survey))
  )

const lastHolder = ({ begun, events }: Story): Story['begun']['holder'] =>
  events.findLast((event) => event.event === 'resumed')?.holder ?? begun.holder

const isOvertaken = ({ begun: { from, to } }: Story, { current }: Survey): boolean =>
  current !== null && current.id !== to.id && current.id !== from?.id

/** One line for people about each. */
export const settledNotes = (settled: readonly Story[], { current, health }: Survey): string[] =>
  settled.map(
    ({ begun }) =>
      `${begun.rollbackId}, begun at ${begun.at} on ${begun.holder.host}, never ended by its journal here; it is taken as settled, for ${current?.version ?? 'what serves'} is ${health.state === 'healthy' ? 'healthy' : 'in place now'}.`
  )
