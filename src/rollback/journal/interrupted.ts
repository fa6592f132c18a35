import type { Holder, LeaseRecord } from '../../model/lease.ts'
import type { Blocker, Observation } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import { camelCase } from '../../support/casing.ts'
import { isAlive } from '../../support/is-alive.ts'
import type { Observed, Target } from '../../targets/target.ts'
import { resumePlanId } from '../assess/plan-id.ts'
import { liveLease, lockHolder } from '../guard/lock.ts'
import type { Session } from '../session.ts'
import {
  type JournalRecord,
  journalRecordOf,
  otherFormatWhy,
  stepsInEffect,
  type UnreadableJournal
} from './journal.ts'
import { type Begun, begunSchema, journalFormat } from './journal-events.ts'
import { type RereadRecord, rereadRecord } from './reread.ts'

export type ResumeKind = 'finish' | 'undo' | 'close'

/** What can become of an interrupted rollback, as it is shown and approved. */
export interface ResumeOption {
  kind: ResumeKind
  id: string
  version: string
  /** Lines for people, in the order in which they run. */
  lines: string[]
}

/** The open options, first the one that goes on in the direction that the rollback had; and the reasons, one sentence each. */
function resumeOptions(
  { record, whyNotFinish, whyNotAtAll }: RereadRecord,
  observation: Observation
): { reasons: string[]; options: ResumeOption[] } {
  if (whyNotAtAll.length > 0) return { reasons: whyNotAtAll, options: [optionOf('close', record, observation)] }
  const open = openKinds(record, observation)
  const kinds = open.kinds.filter((kind) => kind !== 'finish' || whyNotFinish.length === 0)
  const because = [...open.because, ...(open.kinds.includes('finish') ? whyNotFinish : [])]
  if (kinds.length === 0) kinds.push('close')
  return {
    reasons: [...wasBeingUndone(record), ...because],
    options: kinds.map((kind) => optionOf(kind, record, observation))
  }
}

function optionOf(kind: ResumeKind, record: JournalRecord, observation: Observation): ResumeOption {
  const { begun } = record
  const { rollbackId, from, to, steps } = begun
  const { fingerprint, current } = observation
  const inEffect = stepsInEffect(record)
  const option = (version: string, ours: readonly Step[], lines: string[]): ResumeOption => ({
    kind,
    id: resumePlanId({ rollbackId, kind, to, steps: ours, fingerprint }),
    version,
    lines
  })
  if (kind === 'finish') {
    const remaining = steps.filter((step) => !inEffect.get(step.id)?.done)
    return option(to.version, remaining, [...remaining.map(({ title }) => title), 'Health check'])
  }
  if (kind === 'undo') {
    const toRevert = steps.filter((step) => inEffect.has(step.id) && step.phase !== 'cleanup').reverse()
    return option(
      from?.version ?? to.version,
      toRevert,
      toRevert.flatMap((step) => step.undo ?? [])
    )
  }
  const serving = current?.version
  return option(
    serving ?? to.version,
    [],
    [`Leave ${serving ?? 'the target'} as it is and end the record of this rollback`]
  )
}

/**
 * Finish or undo. But a deployment made since is not replaced, a proven version is not undone once the cleanup has begun, and what
 * another machine seems to have ended is not resumed while it serves.
 */
function openKinds(record: JournalRecord, observation: Observation): { kinds: ResumeKind[]; because: string[] } {
  const { begun } = record
  const { lease, current, mixedReleases, health } = observation
  const other = deployedSince(begun, observation)
  if (other)
    return {
      kinds: ['close'],
      because: [
        `${other} is deployed since, a third version. The rollback can only be closed, which changes nothing on the target.`
      ]
    }
  if (leaseIsGone(record, observation)) {
    const serves = lease || (current !== null && !mixedReleases && health.state !== 'down')
    return {
      kinds: serves ? ['close'] : ['finish', 'close'],
      because: [
        `Its lease on the target is gone, so another machine seems to have ended it. ${current?.version ?? 'Nothing'} is deployed. Closing it changes nothing on the target.`
      ]
    }
  }
  if (cleanupHasBegun(record))
    return {
      kinds: ['finish'],
      because: ['It can no longer be undone: the new version passed its checks and the cleanup had begun.']
    }
  return { kinds: wasBeingUndone(record).length > 0 ? ['undo', 'finish'] : ['finish', 'undo'], because: [] }
}

/** The version was proven, and what an undo needs may be gone. */
export function cleanupHasBegun(record: JournalRecord): boolean {
  const inEffect = stepsInEffect(record)
  return record.begun.steps.some(({ id, phase }) => phase === 'cleanup' && inEffect.has(id))
}

/** A deployed version that is neither of the rollback's two. */
function deployedSince({ from, to }: Begun, { current, mixedReleases }: Observation): string | null {
  if (!current || mixedReleases) return null
  const known = [from, to].some((release) => release?.id === current.id || release?.version === current.version)
  return known ? null : current.version
}

/** It held a lease on the target, which is no longer there. */
const leaseIsGone = ({ begun, events }: JournalRecord, { lease }: Observation): boolean =>
  events.some(({ event }) => event === 'leased') && lease?.record.rollbackId !== begun.rollbackId

function wasBeingUndone({ begun, events }: JournalRecord): string[] {
  const title = (stepId: string): string => begun.steps.find(({ id }) => id === stepId)?.title ?? stepId
  const cleanup = begun.steps.filter(({ phase }) => phase === 'cleanup').map(({ id }) => id)
  const ran = events.filter((event) => event.event !== 'step' || !cleanup.includes(event.stepId))
  const failed = ran.flatMap((event) => {
    if (event.event === 'step' && event.state === 'failed')
      return [`${title(event.stepId)}: ${event.detail ?? 'failed'}`]
    if (event.event !== 'checks') return []
    return event.checks.filter(({ status }) => status === 'fail').map((check) => `${check.title}: ${check.detail}`)
  })
  const last = ran.findLast(({ event }) => ['step', 'revert', 'checks', 'resumed'].includes(event))
  const undoing =
    last?.event === 'revert' ||
    (last?.event === 'resumed' && last.kind === 'undo') ||
    (last?.event === 'step' && last.state === 'failed') ||
    (last?.event === 'checks' && last.checks.some(({ status }) => status === 'fail'))
  if (!undoing) return []
  return [failed.length > 0 ? `It had failed (${failed.at(-1)}) and was being undone.` : 'It was being undone.']
}

/** A rollback that began and never ended, with its open options. */
export interface Interrupted {
  rollbackId: string
  startedAt: string
  holder: Holder
  from: Release | null
  to: Release
  /** Where it is known from: the journal here, or only the lease on the target. */
  knownFrom: 'journal' | 'target'
  record: JournalRecord
  /** What happened to it, and why an option is not open; one sentence each. */
  reasons: string[]
  /** The open options, first the one that goes on in the direction that it had. */
  options: ResumeOption[]
}

export const resumeOption = ({ options }: Interrupted, wanted: ResumeKind): ResumeOption | null =>
  options.find(({ kind }) => kind === wanted) ?? null

/** Finds the newest rollback of this target that has neither ended nor is still running. */
export async function findInterrupted(
  { target, files }: Pick<Session, 'target' | 'files'>,
  observed: Observed<unknown>,
  records: readonly JournalRecord[],
  signal: AbortSignal
): Promise<Interrupted | null> {
  const { observation } = observed
  const holder = await lockHolder(files.lock)
  const live = liveLease(observation)
  const runs = (id: string): boolean => id === holder?.rollbackId || id === live?.rollbackId
  const open = records.find(({ ended, begun }) => ended === null && !runs(begun.rollbackId))
  if (open && !isSuperseded(open, records)) return interruptedAs(target, open, observed, 'journal', signal)
  const leased = journalOfLease(observation)
  if (!leased || runs(leased.begun.rollbackId)) return null
  const known = records.some(({ begun, ended }) => ended && begun.rollbackId === leased.begun.rollbackId)
  return known ? null : interruptedAs(target, leased, observed, 'target', signal)
}

/** A later rollback that ended has settled what an earlier one left open. */
const isSuperseded = (open: JournalRecord, records: readonly JournalRecord[]): boolean =>
  records.some(({ begun, ended }) => ended && begun.at > open.begun.at && ended.outcome !== 'refused')

/** The lease tells what began, and whether it was proven; not how far it came otherwise. */
function journalOfLease({ lease }: Observation): JournalRecord | null {
  if (!lease) return null
  const { startedAt: at, proven } = lease.record
  const begun = begunSchema.safeParse(camelCase(lease.record.begun))
  if (!begun.success) return null
  const mayHaveBegun = begun.data.steps.filter(({ phase }) => proven || phase !== 'cleanup')
  const started = mayHaveBegun.map(({ id }) => ({ event: 'step' as const, at, stepId: id, state: 'started' as const }))
  return journalRecordOf('', [begun.data, { event: 'leased', at }, ...started])
}

/** An unfinished rollback with the options that its journal and the target leave open. */
export async function interruptedAs(
  target: Target,
  told: JournalRecord,
  observed: Observed<unknown>,
  knownFrom: Interrupted['knownFrom'],
  signal: AbortSignal
): Promise<Interrupted> {
  const reread = await rereadRecord(target, told, observed, signal)
  const { record } = reread
  const { rollbackId, at: startedAt, holder, from, to } = record.begun
  const options = resumeOptions(reread, observed.observation)
  return { rollbackId, startedAt, holder, from, to, knownFrom, record, ...options }
}

/** Blockers for rollbacks that may be half finished and whose journal, or lease, has another format. */
export function unreadableBlockers(unreadable: readonly UnreadableJournal[], observation: Observation): Blocker[] {
  const { lease } = observation
  const journals = unreadable
    .filter(({ ended }) => !ended)
    .map(({ path }) => ({
      id: 'journal_format',
      what: `An unfinished rollback is in the journal ${path}, which cannot be used`,
      why: otherFormatWhy,
      next: `Check what serves. Finish or undo that rollback with the version that began it, or manually, then move ${path} to another folder.`
    }))
  return [
    ...journals,
    ...(lease && !liveLease(observation) && isOtherFormat(lease.record) ? [unreadableLease(lease.record)] : [])
  ]
}

const isOtherFormat = ({ begun }: LeaseRecord): boolean => begun.event === 'begun' && begun.format !== journalFormat

const unreadableLease = ({ rollbackId, holder }: LeaseRecord): Blocker => ({
  id: 'lease_format',
  what: `The target holds the lease of the rollback ${rollbackId}, which cannot be used`,
  why: otherFormatWhy,
  next: `Ask ${holder.user} on ${holder.host} to finish or undo it with the version that began it, then assess again.`
})

/** A line for each ended journal of another format: it is no evidence. */
export const unreadableNotes = (unreadable: readonly UnreadableJournal[]): string[] =>
  unreadable
    .filter(({ ended }) => ended)
    .map(({ path }) => `The journal ${path} was not used: ${otherFormatWhy}. Its rollback has ended.`)

/** No rollback runs that long, a wait for a person and an undo included. */
const oldMs = 24 * 3_600_000

/**
 * Unfinished journals from another machine (committed, synchronized) that are older than a day, hold no lease, and have nothing to
 * finish or undo: what serves is healthy, or is neither of their two versions.
 */
export const settledElsewhere = (
  records: readonly JournalRecord[],
  observation: Observation,
  now: string
): JournalRecord[] =>
  records.filter(
    (record) =>
      record.ended === null &&
      isAlive(lastHolder(record)) === null &&
      Date.parse(now) - Date.parse(record.events.at(-1)?.at ?? record.begun.at) > oldMs &&
      observation.lease?.record.rollbackId !== record.begun.rollbackId &&
      (observation.health.state === 'healthy' || isOvertaken(record, observation))
  )

const lastHolder = ({ begun, events }: JournalRecord): Holder =>
  events.findLast((event) => event.event === 'resumed')?.holder ?? begun.holder

const isOvertaken = ({ begun: { from, to } }: JournalRecord, { current }: Observation): boolean =>
  current !== null && current.id !== to.id && current.id !== from?.id

/** One line for people about each. */
export const settledNotes = (settled: readonly JournalRecord[], { current, health }: Observation): string[] =>
  settled.map(
    ({ begun }) =>
      `${begun.rollbackId}, begun at ${begun.at} on ${begun.holder.host}, never ended in its journal here. It is taken as settled: ${current?.version ?? 'what serves'} is ${health.state === 'healthy' ? 'healthy' : 'deployed now'}.`
  )
