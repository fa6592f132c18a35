import type { Holder } from '../../model/lease.ts'
import type { Blocker, Risk } from '../../model/observation.ts'
import type { Found } from '../assess/assess.ts'
import type { Assessment, Candidate } from '../assess/assessment.ts'
import type { Plan } from '../assess/plan-id.ts'
import { lockHolder, plainHolder } from '../guard/lock.ts'
import { type ResumeKind, type ResumeOption, resumeOption } from '../journal/interrupted.ts'
import { type GroupBegun, type GroupRecord, newestGroup } from './group-journal.ts'
import { groupPlanId } from './group-plan-id.ts'
import type { OpenGroup } from './open-group.ts'
import { versionLabel } from './versions.ts'

type Begun = GroupBegun['members'][number]

/** What finishing or undoing the group does to one target. */
export type ResumeAction =
  | { target: string; does: 'nothing'; line: string }
  | { target: string; does: 'resume'; option: ResumeOption; line: string }
  | { target: string; does: 'roll back'; plan: Plan; risks: Risk[]; line: string }

/** What can become of an interrupted rollback of several targets, as it is shown and approved. */
export interface GroupResumeOption {
  kind: ResumeKind
  id: string
  /** "docker=1.1.0,npm=1.1.0". */
  version: string
  /** In the order in which they happen. */
  actions: ResumeAction[]
  /** With the target's name in each id; serious ones are accepted before this option is carried out. */
  risks: Risk[]
}

/** A rollback of several targets that began and never ended. */
export interface InterruptedGroup {
  groupId: string
  startedAt: string
  holder: Holder
  record: GroupRecord
  /** Where each target is now, one line each. */
  lines: string[]
  /** Why an option is not open, one sentence each. */
  reasons: string[]
  options: GroupResumeOption[]
}

/** The newest group of this project, when it never ended and does not run now. */
export async function unfinishedGroup({
  paths,
  project
}: Pick<OpenGroup, 'paths' | 'project'>): Promise<GroupRecord | null> {
  const record = await newestGroup(paths.rollbacksDir, project.clock.now())
  if (!record || record.ended) return null
  const holder = await lockHolder(paths.groupLock)
  return holder?.rollbackId === record.begun.groupId ? null : record
}

/** The candidate with which a target of an unfinished group can be brought to where the others are. */
export function candidateToResume(
  record: GroupRecord,
  target: string,
  { current, candidates }: Found
): Candidate | null {
  const member = record.begun.members.find((one) => one.target === target)
  if (!member || !current) return null
  const wanted =
    current.id === member.to.id ? member.from?.id : current.id === member.from?.id ? member.to.id : undefined
  return candidates.find(({ release }) => release.id === wanted) ?? null
}

/** Nothing of an unfinished group is left to do: every target is where it leads, or every one is where it was. */
export function isSettled({ begun: { members } }: GroupRecord, found: ReadonlyMap<string, Found>): boolean {
  const all = (isThere: (member: Begun, id: string | null) => boolean): boolean =>
    members.every((member) => {
      const one = found.get(member.target)
      return one && !one.interrupted && isThere(member, one.current?.id ?? null)
    })
  return all(({ to }, id) => id === to.id) || all(({ from }, id) => id === (from?.id ?? null))
}

/** The group with its open options. */
export function interruptedGroup(record: GroupRecord, assessments: ReadonlyMap<string, Assessment>): InterruptedGroup {
  const { groupId, at: startedAt, holder, members } = record.begun
  const ways = (['finish', 'undo'] as const).map((kind) => {
    const ordered = kind === 'finish' ? members : [...members].reverse()
    return { kind, found: ordered.map((member) => actionOf(kind, member, assessments.get(member.target))) }
  })
  const options = ways.flatMap(({ kind, found }) => {
    const actions = found.filter((action) => typeof action !== 'string')
    return actions.length === found.length ? [optionOf(groupId, kind, members, actions)] : []
  })
  return {
    groupId,
    startedAt,
    holder: plainHolder(holder),
    record,
    lines: members.map((member) => whereNow(member, assessments.get(member.target))),
    reasons: ways.flatMap(({ kind, found }) =>
      found
        .filter((action) => typeof action === 'string')
        .map((why) => `It cannot be ${past[kind]}: ${why.replace(/\.$/, '')}.`)
    ),
    options: [...options, optionOf(groupId, 'close', members, members.map(leaveAlone))]
  }
}

const past = { finish: 'finished', undo: 'undone' } as const

function optionOf(
  groupId: string,
  kind: ResumeKind,
  members: readonly Begun[],
  actions: ResumeAction[]
): GroupResumeOption {
  const planned = actions.map((action) => ({ target: action.target, planId: idOf(action) }))
  const versions = members.flatMap(({ target, from, to }) => {
    const release = kind === 'undo' ? from : to
    return release ? [{ target, version: release.version }] : []
  })
  return {
    kind,
    id: groupPlanId(planned, [groupId, kind]),
    version: versionLabel(versions),
    actions,
    risks: actions.flatMap((action) => (action.does === 'roll back' ? action.risks : []))
  }
}

const idOf = (action: ResumeAction): string | null =>
  action.does === 'resume' ? action.option.id : action.does === 'roll back' ? action.plan.id : null

const leaveAlone = ({ target }: Begun): ResumeAction => ({
  target,
  does: 'nothing',
  line: `${target}: left as it is`
})

/** What a target needs, or why it cannot be done. */
function actionOf(kind: 'finish' | 'undo', member: Begun, assessment: Assessment | undefined): ResumeAction | string {
  const { target, from, to } = member
  if (!assessment) return `${target} did not answer`
  const { current, interrupted, plan, blockers, risks } = assessment
  if (interrupted) {
    const option = resumeOption(interrupted, kind)
    if (!option) return `${target}: ${interrupted.reasons.join(' ') || 'its rollback offers no such option'}`
    return { target, does: 'resume', option, line: `${target}: ${option.lines.join('; ') || 'nothing to undo'}` }
  }
  const wanted = kind === 'finish' ? to : from
  if ((current?.id ?? null) === (wanted?.id ?? null))
    return { target, does: 'nothing', line: `${target}: ${wanted?.version ?? 'nothing'} serves already` }
  const serves = current?.version ?? 'nothing'
  if (!plan || plan.to.id !== wanted?.id)
    return `${target} serves ${serves}, and cannot go to ${wanted?.version ?? 'nothing'}`
  if (blockers[0]) return `${target}: ${sentenceOf(blockers[0])}`
  return {
    target,
    does: 'roll back',
    plan,
    risks: risks.map((risk) => ofTarget(target, risk)),
    line: `${target}: ${plan.steps.map(({ title }) => title).join('; ')} (${serves} to ${plan.to.version})`
  }
}

const sentenceOf = ({ what, why }: Blocker): string => `${what}: ${why}`

/** A risk of one target as a risk of the group. */
export const ofTarget = (target: string, risk: Risk): Risk => ({
  ...risk,
  id: `${target}:${risk.id}`,
  title: `${target}: ${risk.title}`
})

function whereNow({ target, from, to }: Begun, assessment: Assessment | undefined): string {
  if (!assessment) return `${target}: unknown, it did not answer`
  const { current, interrupted, health } = assessment
  const serves = `${current?.version ?? 'nothing'} is deployed, ${health.state}`
  if (interrupted) return `${target}: interrupted on the way to ${to.version}; ${serves}`
  if (current?.id === to.id) return `${target}: went back to ${to.version}; ${health.state}`
  return current?.id === from?.id ? `${target}: not gone back; ${serves}` : `${target}: ${serves}`
}
