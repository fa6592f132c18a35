import { join } from 'node:path'
import type { Release } from '../../model/release.ts'
import type { FileLock } from '../../project/file-lock.ts'
import { isoNow } from '../../support/clock.ts'
import { InputError } from '../../support/errors.ts'
import { anySignal } from '../../support/limit.ts'
import { takeLock, thisHolder } from '../guard/lock.ts'
import { blocked, notAccepted } from '../guard/refusals.ts'
import { checkJournalWritable, type LineLog, openLineLog } from '../journal/write-journal.ts'
import { beginRollback, newRollbackId } from '../run/execute.ts'
import { dryRunResult, type ExecuteRequest } from '../run/result.ts'
import { named } from '../run/rollback-run.ts'
import { assessGroup } from './assess-group.ts'
import { concludeGroup } from './conclude-group.ts'
import type { GroupAssessment, GroupPlan } from './group-assessment.ts'
import { type GroupBegun, type GroupEntry, groupJournalFormat, newGroupId } from './group-journal.ts'
import { checkGroupPlanId } from './group-refusals.ts'
import type { GroupResult } from './group-result.ts'
import { acceptedOf, endedEntry, type GroupHooks, memberHooks, outcomeOf } from './member-run.ts'
import type { OpenGroup } from './open-group.ts'
import { resumeGroup } from './resume-group.ts'
import { type Turn, takeTurns } from './turns.ts'

const assessWithinMs = 120_000

/**
 * Carries out exactly the plan of several targets that was approved: every precondition of every target holds before the first one
 * switches. Finishes, undoes or closes an interrupted one when its option was approved.
 * @throws InputError, ConfigError or TargetError when it is refused; nothing was changed then.
 */
export async function executeGroup(group: OpenGroup, request: ExecuteRequest, hooks: GroupHooks): Promise<GroupResult> {
  const { clock } = group.project
  const signal = anySignal(hooks.cancel, clock.limit(assessWithinMs))
  const assessment = await assessGroup(group, { version: request.version, signal })
  await hooks.unattended?.(assessment)
  if (assessment.interrupted) return resumeGroup(group, assessment, assessment.interrupted, request, hooks)

  const { plan, blockers, risks } = assessment
  if (blockers[0]) throw blocked(blockers[0])
  checkGroupPlanId(request.planId, assessment)
  if (!plan) throw new Error('a plan without a plan')
  const open = risks.filter(({ id, serious }) => serious && !request.accept.includes(id))
  await checkJournalWritable(group.paths.rollbacksDir)
  if (request.dryRun)
    return dryRun(
      assessment,
      plan,
      open.map(({ id, title }) => `${title} (${id})`)
    )
  if (open.length > 0) throw notAccepted(open)
  await hooks.consent(assessment)
  return withGroupJournal(group, begunOf(group, plan, request), (journal, begun) =>
    rollBackInTurns(group, { assessment, plan, request, journal, begun }, hooks)
  )
}

/** Holds the lock of groups, and opens the journal that points to those of the targets. */
async function withGroupJournal<T>(
  { paths, project }: OpenGroup,
  begun: GroupBegun,
  work: (journal: LineLog<GroupEntry>, begun: GroupBegun) => Promise<T>
): Promise<T> {
  const lock: FileLock = await takeLock(paths.groupLock, begun.groupId)
  try {
    const path = join(paths.rollbacksDir, `${begun.groupId}.jsonl`)
    const journal = await openLineLog<GroupEntry>(path, project.clock, project.mask)
    try {
      project.mask.spare(begun.groupId)
      await journal.append(begun)
      return await work(journal, begun)
    } finally {
      await journal.close()
    }
  } finally {
    await lock.release()
  }
}

function begunOf({ project: { clock }, paths }: OpenGroup, plan: GroupPlan, { accept }: ExecuteRequest): GroupBegun {
  const identity = ({ version, id }: Release) => ({ version, id })
  return {
    event: 'begun',
    format: groupJournalFormat,
    at: isoNow(clock),
    groupId: newGroupId(clock.now()),
    planId: plan.id,
    members: plan.members.map(({ target, from, plan: own }) => ({
      target,
      rollbackId: newRollbackId(target, clock.now(), paths.rollbacksDir),
      planId: own.id,
      from: from && identity(from),
      to: identity(own.to)
    })),
    onFailure: plan.onFailure,
    accepted: [...accept],
    holder: thisHolder()
  }
}

interface Running {
  assessment: GroupAssessment
  plan: GroupPlan
  request: ExecuteRequest
  journal: LineLog<GroupEntry>
  begun: GroupBegun
}

async function rollBackInTurns(group: OpenGroup, running: Running, hooks: GroupHooks): Promise<GroupResult> {
  const { plan, begun, journal, assessment } = running
  const note = (entry: GroupEntry): Promise<void> => journal.append(entry).catch(() => undefined)
  const ends = await takeTurns(turnsOf(group, running, hooks), {
    onFailure: plan.onFailure,
    cancel: hooks.cancel,
    events: {
      switching: (target) => note({ event: 'member', target, state: 'switching' }),
      proven: (target) => note({ event: 'member', target, state: 'proven' }),
      ended: (target, end) => note(endedEntry(group, target, end))
    }
  })
  const members = plan.members.map(({ target, from, plan: own }) => ({
    target,
    from,
    to: own.to,
    ...outcomeOf(group, ends.get(target))
  }))
  return concludeGroup(group, { assessment, begun, journal, members })
}

function turnsOf(group: OpenGroup, { assessment, plan, request, begun }: Running, hooks: GroupHooks): Turn[] {
  return plan.members.map(({ target, plan: own }): Turn => {
    const { session } = group.targets.find(({ name }) => name === target) ?? {}
    const member = assessment.members.find((one) => one.target === target)?.assessment
    const { rollbackId } = begun.members.find((one) => one.target === target) ?? {}
    return {
      target,
      async run(gates) {
        if (!session || !member || rollbackId === undefined) throw notOpen(target)
        const approved = {
          assessment: member,
          plan: own,
          accept: acceptedOf(target, request.accept),
          rollbackId,
          groupId: begun.groupId
        }
        return beginRollback(session, approved, { ...memberHooks(hooks, target), gates })
      }
    }
  })
}

const notOpen = (target: string): InputError =>
  new InputError({
    what: `${target} is not open`,
    why: 'it was not assessed',
    next: 'Assess again.',
    code: 'not_open'
  })

function dryRun({ members, staying, names }: GroupAssessment, plan: GroupPlan, open: readonly string[]): GroupResult {
  return {
    names,
    groupId: null,
    outcome: 'checked',
    dryRun: true,
    members: plan.members.map(({ target, from, plan: own }) => {
      const { failed = false, chosen, recommended } = members.find((one) => one.target === target)?.assessment ?? {}
      const steps = own.steps.map((step) => ({ ...named(step), state: 'checked' as const }))
      const parts = { target, rollbackId: null, from, to: own.to, failed, lastGood: chosen === recommended, steps }
      const result = dryRunResult({ ...parts, resumes: false, state: 'Every precondition was checked.' })
      return { target, from, to: own.to, outcome: 'checked', result, why: null, serves: from }
    }),
    staying,
    mixture: null,
    durationMs: 0,
    state: [
      'Every precondition of every target was checked. Nothing was changed.',
      ...(open.length > 0 ? [`Serious risks to accept, one by one: ${open.join('; ')}.`] : [])
    ].join(' '),
    title: null
  }
}
