import type { Observation } from '../../model/observation.ts'
import { resumePlanId } from '../assess/plan-id.ts'
import { type JournalRecord, stepsInEffect } from './journal.ts'
import type { Begun } from './journal-events.ts'

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
export function resumeOptions(
  record: JournalRecord,
  observation: Observation
): { reasons: string[]; options: ResumeOption[] } {
  const { kinds, because } = openKinds(record, observation)
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
  const option = (version: string, ids: readonly { id: string }[], lines: string[]): ResumeOption => ({
    kind,
    id: resumePlanId({ rollbackId, kind, to, steps: ids, fingerprint }),
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
  const inEffect = stepsInEffect(record)
  if (begun.steps.some((step) => step.phase === 'cleanup' && inEffect.has(step.id)))
    return {
      kinds: ['finish'],
      because: ['It can no longer be undone: the new version passed its checks and the cleanup had begun.']
    }
  return { kinds: wasBeingUndone(record).length > 0 ? ['undo', 'finish'] : ['finish', 'undo'], because: [] }
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
