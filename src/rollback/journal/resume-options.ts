import type { Observation } from '../../model/observation.ts'
import type { Step } from '../../model/step.ts'
import { fingerprintOf } from '../../support/canonical.ts'
import { type JournalRecord, stepsInEffect } from './journal.ts'
import type { Begun } from './journal-events.ts'

export type Direction = 'finish' | 'undo' | 'close'

/** One way out of an interrupted rollback, as it is shown and approved. */
export interface ResumeOption {
  direction: Direction
  id: string
  version: string
  /** Lines for people, in the order in which they will run. */
  lines: string[]
}

/** The ways that are open, the one that goes on in the direction it had first; and why, one sentence each. */
export function resumeOptions(
  journalRecord: JournalRecord,
  observation: Observation
): { standing: string[]; ways: ResumeOption[] } {
  const { directions, because } = openWays(journalRecord, observation)
  return {
    standing: [...wasBeingUndone(journalRecord), ...because],
    ways: directions.map((direction) => planOf(direction, journalRecord, observation))
  }
}

function planOf(direction: Direction, journalRecord: JournalRecord, observation: Observation): ResumeOption {
  const { begun } = journalRecord
  const inEffect = stepsInEffect(journalRecord)
  const id = (steps: readonly Step[]): string =>
    `plan-${[[begun.rollbackId, direction], begun.to.id, steps.map((step) => step.id), observation.fingerprint].map((part) => fingerprintOf(part)).join('-')}`
  if (direction === 'finish') {
    const remaining = begun.steps.filter((step) => !inEffect.get(step.id)?.done)
    const lines = [...remaining.map(({ title }) => title), 'Health check']
    return { direction, id: id(remaining), version: begun.to.version, lines }
  }
  if (direction === 'undo') {
    const toRevert = begun.steps.filter((step) => inEffect.has(step.id) && step.phase !== 'cleanup').reverse()
    const version = begun.from?.version ?? begun.to.version
    return { direction, id: id(toRevert), version, lines: toRevert.flatMap(({ undo }) => undo ?? []) }
  }
  const serving = observation.current?.version
  const lines = [`Leave ${serving ?? 'the target'} as it is and end the record of this rollback`]
  return { direction, id: id([]), version: serving ?? begun.to.version, lines }
}

/**
 * Finish it or undo it; but nobody's deployment since is replaced, what was proven is not undone once cleaning up has begun, and
 * what another machine seems to have ended is not begun again while it serves.
 */
function openWays(
  journalRecord: JournalRecord,
  observation: Observation
): { directions: Direction[]; because: string[] } {
  const { begun } = journalRecord
  const other = deployedSince(begun, observation)
  if (other)
    return {
      directions: ['close'],
      because: [
        `${other} is deployed since, which is neither of its versions: it can only be closed, which changes nothing on the target.`
      ]
    }
  if (markIsGone(journalRecord, observation)) {
    const stands =
      observation.lease ||
      (observation.current !== null && !observation.mixedReleases && observation.health.state !== 'down')
    return {
      directions: stands ? ['close'] : ['finish', 'close'],
      because: [
        `Its mark on the target is gone, so another machine seems to have ended it; ${observation.current?.version ?? 'nothing'} is in place. Closing it changes nothing on the target.`
      ]
    }
  }
  const inEffect = stepsInEffect(journalRecord)
  if (begun.steps.some((step) => step.phase === 'cleanup' && inEffect.has(step.id)))
    return {
      directions: ['finish'],
      because: ['It can no longer be undone: the new version was proven and cleaning up had begun.']
    }
  return { directions: wasBeingUndone(journalRecord).length > 0 ? ['undo', 'finish'] : ['finish', 'undo'], because: [] }
}

/** A version that is neither the one it left nor the one it went to. */
function deployedSince({ from, to }: Begun, { current, mixedReleases }: Observation): string | null {
  if (!current || mixedReleases) return null
  const known = [from, to].some((release) => release?.id === current.id || release?.version === current.version)
  return known ? null : current.version
}

/** It was marked on the target, and is no more. */
const markIsGone = ({ begun, events }: JournalRecord, { lease }: Observation): boolean =>
  events.some(({ event }) => event === 'leased') && lease?.record.rollbackId !== begun.rollbackId

function wasBeingUndone({ begun, events }: JournalRecord): string[] {
  const title = (stepId: string): string => begun.steps.find(({ id }) => id === stepId)?.title ?? stepId
  const cares = begun.steps.filter(({ phase }) => phase === 'cleanup').map(({ id }) => id)
  const ran = events.filter((event) => event.event !== 'step' || !cares.includes(event.stepId))
  const failed = ran.flatMap((event) => {
    if (event.event === 'step' && event.state === 'failed')
      return [`${title(event.stepId)}: ${event.detail ?? 'failed'}`]
    if (event.event !== 'checks') return []
    return event.checks.filter(({ status }) => status === 'fail').map((check) => `${check.title}: ${check.detail}`)
  })
  const last = ran.findLast(({ event }) => ['step', 'revert', 'checks', 'resumed'].includes(event))
  const undoing =
    last?.event === 'revert' ||
    (last?.event === 'resumed' && last.direction === 'undo') ||
    (last?.event === 'step' && last.state === 'failed') ||
    (last?.event === 'checks' && last.checks.some(({ status }) => status === 'fail'))
  if (!undoing) return []
  return [failed.length > 0 ? `It had failed (${failed.at(-1)}) and was being undone.` : 'It was being undone.']
}
