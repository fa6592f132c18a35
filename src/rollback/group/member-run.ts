import { messageOf } from '../../support/errors.ts'
import { quoteLine } from '../../support/quote.ts'
import type { ExecuteHooks } from '../run/result.ts'
import type { GroupAssessment } from './group-assessment.ts'
import type { GroupEntry } from './group-journal.ts'
import type { MemberResult } from './group-result.ts'
import type { GroupResumeOption } from './interrupted-group.ts'
import type { OpenGroup } from './open-group.ts'
import type { MemberEnd } from './turns.ts'

/** What a rollback of several targets asks and reports. */
export interface GroupHooks extends Pick<ExecuteHooks, 'report' | 'attended' | 'cancel'> {
  /** For an unattended run: asked first whether its conditions hold. @throws naming each that does not. */
  unattended?(assessment: GroupAssessment): Promise<void>
  /** Asked once, before anything begins; not for a dry run. @throws when the answer is no. */
  consent(assessment: GroupAssessment, option?: GroupResumeOption): Promise<void>
}

/** The ids of accepted risks of one target, without its name. */
export const acceptedOf = (target: string, accept: readonly string[]): string[] =>
  accept.flatMap((id) => (id.startsWith(`${target}:`) ? [id.slice(target.length + 1)] : []))

/** The hooks of one target's rollback: the person has said yes to all, and each line of progress names its target. */
export const memberHooks = ({ report, cancel, attended, unattended }: GroupHooks, target: string): ExecuteHooks => ({
  cancel,
  consent: async () => undefined,
  report: (progress) => report({ ...progress, title: `${target}: ${progress.title}` }),
  ...(attended && { attended }),
  ...(unattended && { unattended: async () => undefined })
})

/** How a target ended, as the group's result tells it. */
export function outcomeOf(
  { project }: OpenGroup,
  end: MemberEnd | undefined
): Pick<MemberResult, 'outcome' | 'result' | 'why'> {
  if (end?.result) return { outcome: end.result.outcome, result: end.result, why: null }
  return {
    outcome: 'refused',
    result: null,
    why: quoteLine(project.mask, messageOf(end?.error ?? 'it did not begin'), 300)
  }
}

/** The line of the group's journal about a target that ended. */
export function endedEntry(group: OpenGroup, target: string, end: MemberEnd): GroupEntry {
  const { outcome, result, why } = outcomeOf(group, end)
  return {
    event: 'member',
    target,
    state: 'ended',
    outcome,
    ...(result?.rollbackId && { rollbackId: result.rollbackId }),
    ...(why !== null && { detail: why })
  }
}
