import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release } from '../../model/release.ts'
import { type JournalRecord, stepsInEffect } from '../journal/journal.ts'
import type { FormerRollback } from './candidates.ts'

/** Former rollbacks whose candidate did not come up; one that failed for another reason says nothing about its candidate. */
export const failedReturns = (journalRecords: readonly JournalRecord[]): FormerRollback[] =>
  journalRecords.flatMap(({ begun, events, ended }) => {
    const failedCheck = events.some(
      (event) => event.event === 'checks' && event.checks.some(({ status }) => status === 'fail')
    )
    const notHealthy = events.some((event) => event.event === 'step' && event.code === 'not_healthy')
    const failed = ended && (ended.outcome === 'undone' || ended.outcome === 'stuck') && (failedCheck || notHealthy)
    return failed ? [{ ...told(begun.to, begun.rollbackId, ended.at), tells: 'a return to it did not come up' }] : []
  })

/**
 * Versions that a rollback left, however it ended: a switch that is in effect speaks against what it led away from, also where the
 * way ended `stuck`, and where deploy.json has no record of it. What a person was left to do is not in effect by the journal alone.
 */
export const leftBehind = (journalRecords: readonly JournalRecord[]): FormerRollback[] =>
  journalRecords.flatMap((journalRecord) => {
    const { from, to, rollbackId } = journalRecord.begun
    const leftAt = journalRecord.ended?.outcome === 'manual' ? undefined : switchedAt(journalRecord)
    return from && leftAt && from.id !== to.id ? [{ ...told(from, rollbackId, leftAt), tells: 'rolled back from' }] : []
  })

/** When the last step that changed what serves was done, of those that are still in effect. */
function switchedAt(journalRecord: JournalRecord): string | undefined {
  const inEffect = stepsInEffect(journalRecord)
  const switched = journalRecord.begun.steps.filter(({ id, phase }) => phase === 'switch' && inEffect.get(id)?.done)
  return journalRecord.events.findLast(
    (event) => event.event === 'step' && event.state === 'done' && switched.some(({ id }) => id === event.stepId)
  )?.at
}

/** What a person was left to roll back, and did: deploy.json has no record of it, and the version that was left is not to come back. */
export const leftManually = (journalRecords: readonly JournalRecord[], current: Release | null): FormerRollback[] =>
  journalRecords.flatMap(({ begun, ended }) =>
    ended?.outcome === 'manual' && begun.from && current?.id === begun.to.id && begun.from.id !== current.id
      ? [{ ...told(begun.from, begun.rollbackId, ended.at), tells: 'rolled back from by hand' }]
      : []
  )

/** deploy.json has a record of this rollback. */
export const settled = (history: readonly DeploymentRecord[], id: string): boolean =>
  history.some(({ rollbackId, status }) => rollbackId === id && status === 'rolled_back')

const told = ({ version, id }: Release, rollbackId: string, at: string) => ({ version, id, at, rollbackId })
