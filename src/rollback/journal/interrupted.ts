import type { Holder, LeaseRecord } from '../../model/lease.ts'
import type { Blocker, Observation } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import { camelCase } from '../../support/casing.ts'
import { shellWord } from '../../support/shell-word.ts'
import { oneLine } from '../../support/text.ts'
import type { Observed, Target } from '../../targets/target.ts'
import { resumePlanId } from '../assess/plan-id.ts'
import { liveLease, lockHolder, nameOf, plainHolder } from '../guard/lock.ts'
import type { Session } from '../session.ts'
import {
  type JournalRecord,
  journalRecordOf,
  otherFormatWhy,
  stepsInEffect,
  type UnreadableJournal
} from './journal.ts'
import { type Begun, begunSchema, type JournalEvent, journalFormat } from './journal-events.ts'
import { whyImpossible } from './possible.ts'
import { begunStep, type RereadRecord, rereadRecord } from './reread.ts'

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
  told: JournalRecord,
  observation: Observation
): { reasons: string[]; options: ResumeOption[] } {
  if (whyNotAtAll.length > 0) return { reasons: whyNotAtAll, options: [optionOf('close', record, observation)] }
  const undoing = wasBeingUndone(record.begun, told.events)
  const open = openKinds(record, undoing.length > 0, observation)
  const kinds = open.kinds.filter((kind) => kind !== 'finish' || whyNotFinish.length === 0)
  const because = [...open.because, ...(open.kinds.includes('finish') ? whyNotFinish : [])]
  if (kinds.length === 0) kinds.push('close')
  return {
    reasons: [...undoing, ...because],
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
  const line = isReached(record, observation)
    ? `End the record of this rollback: ${serving}, to which it led, is deployed`
    : `Leave ${serving ?? 'the target'} as it is and end the record of this rollback`
  return option(serving ?? to.version, [], [line])
}

/** The target shows the version to which the rollback led, and no other: somebody else may have brought it there. */
export const isReached = ({ begun }: JournalRecord, { current, mixedReleases }: Observation): boolean =>
  current?.id === begun.to.id && begun.from?.id !== begun.to.id && !mixedReleases

/**
 * Finish or undo. But a deployment made since is not replaced, a proven version is not undone once the cleanup has begun, and what
 * another machine seems to have ended is not resumed while it serves.
 */
function openKinds(
  record: JournalRecord,
  undoing: boolean,
  observation: Observation
): { kinds: ResumeKind[]; because: string[] } {
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
      because: [
        'It can no longer be undone: its record says that the new version passed its checks and the cleanup had begun.'
      ]
    }
  return { kinds: undoing ? ['undo', 'finish'] : ['finish', 'undo'], because: [] }
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

/** What its record says of a failure; the words of a step or check are quoted, for anyone may have written them. */
function wasBeingUndone({ steps }: Begun, events: readonly JournalEvent[]): string[] {
  const title = (stepId: string): string => steps.find(({ id }) => id === stepId)?.title ?? 'a step'
  const cleanup = steps.filter(({ phase }) => phase === 'cleanup').map(({ id }) => id)
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
  const why = failed.at(-1)
  return [`${why === undefined ? 'It' : `It had failed ("${oneLine(why)}") and`} was being undone.`]
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
  { target, files, clock }: Pick<Session, 'target' | 'files' | 'clock'>,
  observed: Observed<unknown>,
  records: readonly JournalRecord[],
  signal: AbortSignal
): Promise<Interrupted | null> {
  const { observation } = observed
  const holder = await lockHolder(files.lock)
  const live = liveLease(observation)
  const runs = (id: string): boolean => id === holder?.rollbackId || id === live?.rollbackId
  const open = records.find(({ ended, begun }) => ended === null && !runs(begun.rollbackId))
  if (open) return interruptedAs(target, open, observed, 'journal', signal)
  const leased = journalOfLease(observation, clock.now())
  if (!leased || runs(leased.begun.rollbackId)) return null
  const known = records.some(({ begun, ended }) => ended && begun.rollbackId === leased.begun.rollbackId)
  return known ? null : interruptedAs(target, leased, observed, 'target', signal)
}

/** The lease tells what began, and whether it was proven; not how far it came otherwise. null when no rollback wrote it so. */
function journalOfLease({ lease }: Observation, now: Date): JournalRecord | null {
  const begun = lease && begunSchema.safeParse(camelCase(lease.record.begun)).data
  if (!begun || begun.rollbackId !== lease.record.rollbackId) return null
  const mayHaveBegun = begun.steps.filter(({ phase }) => lease.record.proven || phase !== 'cleanup')
  const { at } = begun
  const events = [begun, { event: 'leased' as const, at }, ...mayHaveBegun.map(({ id }) => begunStep(id, at))]
  return whyImpossible(begun, events, now) ? null : journalRecordOf('', events)
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
  const { rollbackId, at: startedAt, from, to } = record.begun
  const holder = plainHolder(record.begun.holder)
  const options = resumeOptions(reread, told, observed.observation)
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
      next: `Check what serves. Finish or undo that rollback with the version that began it, or manually. Then close it: mv ${shellWord(path)} ${shellWord(`${path}.closed`)}`
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
  next: `Ask ${nameOf(holder)} to finish or undo it with the version that began it, then assess again.`
})

/** A line for each ended journal of another format: it is no evidence. */
export const unreadableNotes = (unreadable: readonly UnreadableJournal[]): string[] =>
  unreadable
    .filter(({ ended }) => ended)
    .map(({ path }) => `The journal ${path} was not used: ${otherFormatWhy}. Its rollback has ended.`)
