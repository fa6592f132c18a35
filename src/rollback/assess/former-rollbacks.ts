import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release } from '../../model/release.ts'
import { type JournalRecord, stepsInEffect } from '../journal/journal.ts'
import type { FormerRollback } from './candidates.ts'

/** Former rollbacks whose candidate did not become healthy. One that failed for another reason is no evidence against its candidate. */
export const failedReturns = (records: readonly JournalRecord[]): FormerRollback[] =>
  records.flatMap(({ begun, events, ended }) => {
    const failedCheck = events.some(
      (event) => event.event === 'checks' && event.checks.some(({ status }) => status === 'fail')
    )
    const notHealthy = events.some((event) => event.event === 'step' && event.code === 'not_healthy')
    const failed = ended && (ended.outcome === 'undone' || ended.outcome === 'stuck') && (failedCheck || notHealthy)
    return failed
      ? [{ ...about(begun.to, begun.rollbackId, ended.at), what: 'a rollback to it did not become healthy' }]
      : []
  })

/**
 * Versions that a rollback left: a switch in effect is evidence against them, also where the rollback ended `stuck` and deploy.json has
 * no record of it. A `manual` rollback is in effect only when the target shows it.
 */
export const leftBehind = (records: readonly JournalRecord[]): FormerRollback[] =>
  records.flatMap((record) => {
    const { from, to, rollbackId } = record.begun
    const leftAt = record.ended?.outcome === 'manual' ? undefined : switchedAt(record)
    return from && leftAt && from.id !== to.id ? [{ ...about(from, rollbackId, leftAt), what: 'rolled back from' }] : []
  })

/** When the last switch step that is still in effect was done. */
function switchedAt(record: JournalRecord): string | undefined {
  const inEffect = stepsInEffect(record)
  const switched = record.begun.steps.filter(({ id, phase }) => phase === 'switch' && inEffect.get(id)?.done)
  return record.events.findLast(
    (event) => event.event === 'step' && event.state === 'done' && switched.some(({ id }) => id === event.stepId)
  )?.at
}

/** Versions that a person rolled back from manually, as instructed, also where deploy.json has no record of it. */
export const leftManually = (records: readonly JournalRecord[], current: Release | null): FormerRollback[] =>
  records.flatMap(({ begun, ended }) =>
    ended?.outcome === 'manual' && begun.from && current?.id === begun.to.id && begun.from.id !== current.id
      ? [{ ...about(begun.from, begun.rollbackId, ended.at), what: 'rolled back from manually' }]
      : []
  )

/** Whether deploy.json has a record of this rollback. */
export const isRecorded = (history: readonly DeploymentRecord[], id: string): boolean =>
  history.some(({ rollbackId, status }) => rollbackId === id && status === 'rolled_back')

const about = ({ version, id }: Release, rollbackId: string, at: string) => ({ version, id, at, rollbackId })
