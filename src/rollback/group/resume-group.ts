import { join } from 'node:path'
import { takeLock, thisHolder } from '../guard/lock.ts'
import { notAccepted } from '../guard/refusals.ts'
import { openLineLog } from '../journal/write-journal.ts'
import { beginRollback, executeRollback, newRollbackId } from '../run/execute.ts'
import type { ExecuteRequest, RollbackResult } from '../run/result.ts'
import { concludeGroup } from './conclude-group.ts'
import type { GroupAssessment } from './group-assessment.ts'
import { type GroupBegun, type GroupEntry, groupById } from './group-journal.ts'
import { interruptedGroupFirst, staleGroupPlan } from './group-refusals.ts'
import type { GroupResult, MemberResult } from './group-result.ts'
import type { GroupResumeOption, InterruptedGroup, ResumeAction } from './interrupted-group.ts'
import { acceptedOf, endedEntry, type GroupHooks, memberHooks, outcomeOf } from './member-run.ts'
import type { OpenGroup } from './open-group.ts'
import { hasFailed, type MemberEnd } from './turns.ts'

/**
 * Finishes, undoes or closes an interrupted rollback of several targets, one target after the other; stops at the first that fails.
 * @throws InputError when the option is not what was approved; nothing was changed then.
 */
export async function resumeGroup(
  group: OpenGroup,
  assessment: GroupAssessment,
  interrupted: InterruptedGroup,
  request: ExecuteRequest,
  hooks: GroupHooks
): Promise<GroupResult> {
  const option = interrupted.options.find(({ id }) => id === request.planId)
  if (!option) throw interruptedGroupFirst(interrupted)
  const open = option.risks.filter(({ id, serious }) => serious && !request.accept.includes(id))
  if (request.dryRun) return dryRun(assessment, interrupted, option)
  if (open.length > 0) throw notAccepted(open)
  await hooks.consent(assessment, option)

  const { paths, project } = group
  const { groupId } = interrupted
  const lock = await takeLock(paths.groupLock, groupId)
  try {
    const { begun, ended } = await groupById(paths.rollbacksDir, groupId, project.clock.now())
    if (ended) throw staleGroupPlan(`another call ended ${groupId} in the meantime: ${ended.outcome}`)
    const journal = await openLineLog<GroupEntry>(
      join(paths.rollbacksDir, `${groupId}.jsonl`),
      project.clock,
      project.mask
    )
    try {
      await journal.append({ event: 'resumed', kind: option.kind, holder: thisHolder() })
      const ends = await oneByOne(group, assessment, option, request, hooks, {
        groupId,
        note: (entry) => journal.append(entry).catch(() => undefined)
      })
      const members = membersOf(group, assessment, begun, option, ends)
      return await concludeGroup(group, { assessment, begun, journal, members, ...titleOf(option, members) })
    } finally {
      await journal.close()
    }
  } finally {
    await lock.release()
  }
}

interface Noted {
  groupId: string
  note(entry: GroupEntry): Promise<void>
}

async function oneByOne(
  group: OpenGroup,
  assessment: GroupAssessment,
  { actions }: GroupResumeOption,
  request: ExecuteRequest,
  hooks: GroupHooks,
  { groupId, note }: Noted
): Promise<Map<string, MemberEnd>> {
  const ends = new Map<string, MemberEnd>()
  for (const action of actions) {
    if (action.does === 'nothing') continue
    const { target } = action
    const end = await carryOut(group, assessment, action, request, hooks, { groupId, note }).then(
      (result): MemberEnd => ({ result, error: null }),
      (error: unknown): MemberEnd => ({ result: null, error })
    )
    ends.set(target, end)
    await note(endedEntry(group, target, end))
    const isUndone = action.does === 'resume' && action.option.kind === 'undo' && end.result?.outcome === 'undone'
    if (hasFailed(end) && !isUndone) break
  }
  return ends
}

async function carryOut(
  group: OpenGroup,
  { members }: GroupAssessment,
  action: Exclude<ResumeAction, { does: 'nothing' }>,
  { accept }: ExecuteRequest,
  hooks: GroupHooks,
  { groupId, note }: Noted
): Promise<RollbackResult> {
  const { target } = action
  const session = group.targets.find(({ name }) => name === target)?.session
  const assessment = members.find((one) => one.target === target)?.assessment
  if (!session || !assessment) throw staleGroupPlan(`${target} did not answer`)
  const own = memberHooks(hooks, target)
  if (action.does === 'resume') {
    const { id: planId, version } = action.option
    return executeRollback(session, { version, planId, accept: [], dryRun: false }, own)
  }
  const rollbackId = newRollbackId(target, session.clock.now(), session.files.journals)
  const approved = { assessment, plan: action.plan, accept: acceptedOf(target, accept), rollbackId, groupId }
  await note({ event: 'member', target, state: 'begun', rollbackId })
  return beginRollback(session, approved, own)
}

/** Every target of the group, with how it ended now; one that had nothing to do is as it was meant to be. */
function membersOf(
  group: OpenGroup,
  assessment: GroupAssessment,
  begun: GroupBegun,
  { kind, actions }: GroupResumeOption,
  ends: ReadonlyMap<string, MemberEnd>
): Omit<MemberResult, 'serves'>[] {
  return begun.members.map(({ target, from, to }) => {
    const current = assessment.members.find((one) => one.target === target)?.assessment?.current ?? null
    const known = (release: { version: string; id: string }) =>
      current?.id === release.id ? current : { ...release, available: { state: 'unknown' as const } }
    const releases = { target, from: from && known(from), to: known(to) }
    const action = actions.find((one) => one.target === target)
    if (kind === 'close') return { ...releases, outcome: 'cancelled', result: null, why: 'closed: left as it is' }
    if (action?.does === 'nothing')
      return { ...releases, outcome: kind === 'undo' ? 'undone' : 'succeeded', result: null, why: action.line }
    const end = outcomeOf(group, ends.get(target))
    if (kind === 'finish' || action?.does === 'resume') return { ...releases, ...end }
    // It had ended, so it was taken back by a rollback of its own.
    return { ...releases, ...end, outcome: end.outcome === 'succeeded' ? 'undone' : 'stuck' }
  })
}

/** An undo that was asked for has no failure to tell of. */
function titleOf({ kind }: GroupResumeOption, members: readonly Omit<MemberResult, 'serves'>[]): { title?: string } {
  if (kind === 'close') return { title: 'CLOSED, what is deployed was not changed' }
  if (kind === 'undo' && members.every(({ outcome }) => outcome === 'undone'))
    return { title: 'UNDONE as asked: every target is as it was before' }
  return {}
}

function dryRun(
  { names, staying }: GroupAssessment,
  { groupId, record }: InterruptedGroup,
  { kind, actions }: GroupResumeOption
): GroupResult {
  return {
    names,
    groupId,
    outcome: 'checked',
    dryRun: true,
    members: record.begun.members.map(({ target, from, to }) => {
      const known = (release: { version: string; id: string }) => ({
        ...release,
        available: { state: 'unknown' as const }
      })
      const why = actions.find((one) => one.target === target)?.line ?? 'nothing to do'
      return { target, from: from && known(from), to: known(to), outcome: 'checked', result: null, why, serves: null }
    }),
    staying,
    mixture: null,
    durationMs: 0,
    state: `The interrupted rollback would be ${{ finish: 'finished', undo: 'undone', close: 'closed' }[kind]}. Nothing was changed.`,
    title: null
  }
}
