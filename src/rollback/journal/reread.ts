import type { Observation } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import { oneLine } from '../../support/text.ts'
import type { Observed, Target } from '../../targets/target.ts'
import { type JournalRecord, stepsInEffect } from './journal.ts'
import type { Begun, JournalEvent } from './journal-events.ts'

/** An unfinished rollback, held against the target. Its releases and steps are the target's own as far as it knows them. */
export interface RereadRecord {
  record: JournalRecord
  /** Why it cannot be finished; one sentence each. */
  whyNotFinish: string[]
  /** Why it can only be closed: what it tells is none of this target's plans; one sentence each. */
  whyNotAtAll: string[]
}

/**
 * Holds an unfinished rollback, as a journal or a lease tells of it, against the target. Both lie where others can write, so they are
 * evidence of what was done and never a script: every release and every step must be one that this target has, or would plan.
 */
export async function rereadRecord(
  target: Target,
  told: JournalRecord,
  observed: Observed<unknown>,
  signal: AbortSignal
): Promise<RereadRecord> {
  const { begun } = told
  const { observation } = observed
  const to = knownRelease(observation, begun.to)
  const from = begun.from && (knownRelease(observation, begun.from) ?? bare(begun.from))
  const move = { from, to: to ?? bare(begun.to) }
  const { steps, mismatches } = await target.reread(begun.steps, { ...move, ...observed, signal })
  const seen = seenState({ ...move, steps }, observation)
  const own: Begun = {
    ...begun,
    ...move,
    steps: mismatches.length > 0 ? [] : steps,
    health: seen === 'before' ? observation.health : begun.health
  }
  const { version } = move.to
  return {
    record: { ...told, begun: own, events: eventsSeen(own, told, seen) },
    whyNotFinish: to
      ? []
      : [`It cannot be finished: the target no longer has ${version} (${move.to.id}), to which it leads.`],
    whyNotAtAll: mismatches.map(
      (mismatch) =>
        `What is recorded of it is not, or no longer, a plan of this target from ${from?.version ?? 'nothing'} to ${version}, so it can only be closed (${oneLine(mismatch)}).`
    )
  }
}

/** The release of a rollback that ended as the target has it now; where that does not answer, only what identifies it. */
export async function releaseOnTarget(target: Target, told: Release, signal: AbortSignal): Promise<Release> {
  const seen = await target.observe(signal).catch(() => null)
  return (seen && knownRelease(seen.observation, told)) ?? bare(told)
}

/** The release as the target has it now, found by its identity: a tag may have been moved since, or the journal may lie. */
function knownRelease({ current, releases }: Observation, { id, version }: Release): Release | undefined {
  const same = [...releases, ...(current ? [current] : [])].filter((release) => release.id === id)
  return same.find((release) => release.version === version) ?? same[0]
}

/** What identifies a release that the target does not know, and nothing else that a journal says of it. */
const bare = ({ version, id }: Release): Release => ({
  version: /^[\w.+:@/-]{1,128}$/.test(version) ? version : 'a version without a valid name',
  id: oneLine(id, 128),
  available: { state: 'unknown' }
})

/** Which of the two states of the rollback the target shows; null where it shows neither alone. */
function seenState(
  { from, to, steps }: Pick<Begun, 'from' | 'to' | 'steps'>,
  { current, mixedReleases }: Observation
): 'before' | 'after' | null {
  const [now, before] = [current?.id ?? null, from?.id ?? null]
  if (mixedReleases || before === to.id || !steps.some(({ phase }) => phase === 'switch')) return null
  return now === before ? 'before' : now === to.id ? 'after' : null
}

/**
 * Where the target shows the earlier state, no switch is done, and no cleanup has followed one; where it shows the later one, every
 * switch may have been made.
 */
function eventsSeen(begun: Begun, told: JournalRecord, seen: 'before' | 'after' | null): JournalEvent[] {
  const phaseOf = (stepId: string) => begun.steps.find(({ id }) => id === stepId)?.phase
  const events = told.events.map((event) => (event.event === 'begun' ? begun : event))
  if (seen === 'before')
    return events
      .filter((event) => event.event !== 'step' || phaseOf(event.stepId) !== 'cleanup')
      .map((event) =>
        event.event === 'step' && event.state === 'done' && phaseOf(event.stepId) === 'switch'
          ? { ...event, state: 'started' }
          : event
      )
  if (seen !== 'after') return events
  const inEffect = stepsInEffect(told)
  const unknown = begun.steps.filter(({ id, phase }) => phase === 'switch' && !inEffect.has(id))
  return [...events, ...unknown.map(({ id }) => begunStep(id, begun.at))]
}

/** The event of a step that was begun, and perhaps done. */
export const begunStep = (stepId: string, at: string): JournalEvent => ({ event: 'step', at, stepId, state: 'started' })
