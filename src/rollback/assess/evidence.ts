import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Observation } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import { type JournalRecord, stepsInEffect } from '../journal/journal.ts'

/** A time during which a version served, inferred from the history. */
export interface ServingPeriod {
  version: string
  digest: string | undefined
  from: string
  until: string
  /** The record right before it is a failure, or a rollback. */
  afterFailure: boolean
}

/**
 * Infers serving periods from a history (newest first). A recorded success, or a rollback of this program that succeeded, begins one;
 * the next deployment, rollback or failure ends it. A `rolled_back` record without an outcome begins nothing: popkit writes these
 * without checking what serves.
 */
export function servingPeriods(history: readonly DeploymentRecord[], now: string): ServingPeriod[] {
  const periods: ServingPeriod[] = []
  let until = now
  history.forEach((record, index) => {
    const begun = startedBy(record)
    const from = record.at
    if (begun) {
      const { version, digest } = begun
      periods.push({ version, digest, from, until, afterFailure: isFailure(history[index + 1]) })
    }
    if (from < until) until = from
  })
  return periods
}

/** The version that began to serve, as a record says; null when none did. */
function startedBy(record: DeploymentRecord): Pick<DeploymentRecord, 'version' | 'digest'> | null {
  if (record.status === 'success') return record
  if (record.status !== 'rolled_back' || record.outcome !== 'succeeded' || !record.rollbackTo) return null
  return { version: record.rollbackTo, ...(record.rollbackToDigest && { digest: record.rollbackToDigest }) }
}

export const isFailure = (record: DeploymentRecord | undefined): boolean =>
  record?.status === 'failed' || record?.status === 'rolled_back'

/** Whether a recorded digest can be the release's: a version whose tag was pushed again is another release. */
export const sameDigest = (digest: string | undefined, release: Release): boolean =>
  digest === undefined || !looksLikeDigest(digest) || !looksLikeDigest(release.id) || digest === release.id

const looksLikeDigest = (text: string): boolean => /^sha\d+[:-]/.test(text)

/** What the history (newest first) says of the deployment that made a release serve. */
interface RecordedFailure {
  record: DeploymentRecord
  /** The release had served already: the failed deployment repeated it, and what serves is older than the failure. */
  repeated: boolean
}

/** The failure that the history records for what serves, when its newest record of it is one; else null. */
export function recordedFailure(history: readonly DeploymentRecord[], current: Release | null): RecordedFailure | null {
  if (!current) return null
  const begins = (record: DeploymentRecord): boolean => {
    const begun = startedBy(record)
    return begun?.version === current.version && sameDigest(begun.digest, current)
  }
  const last = history.findIndex((record) => record.version === current.version || begins(record))
  const record = history[last]
  if (record?.status !== 'failed') return null
  const before = history.slice(last + 1).find((older) => startedBy(older) !== null)
  return { record, repeated: before !== undefined && begins(before) }
}

/** Where deploy.json and the target disagree, one line each. The target is right. */
export function disagreements(history: readonly DeploymentRecord[], observation: Observation): string[] {
  const newest = history[0]
  if (!newest) return []
  const claimed =
    newest.status === 'rolled_back' ? newest.rollbackTo : newest.status === 'success' ? newest.version : undefined
  if (claimed === undefined) return []
  const serving = observation.current?.version
  if (serving === claimed) return []
  return [
    `deploy.json says that ${claimed} was deployed last (${newest.at}), but the target says that ${serving ?? 'nothing'} is deployed. The target is right.`
  ]
}

/** Evidence of a former rollback against a version. */
export interface FormerRollback {
  version: string
  id: string
  at: string
  rollbackId: string
  /** "a rollback to it did not become healthy". */
  what: string
}

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
