import { ConfigError, InputError } from '../../support/errors.ts'
import { whatChanged } from '../assess/plan-id.ts'
import { missingConditions } from '../guard/refusals.ts'
import type { GroupAssessment } from './group-assessment.ts'
import { changedMembers, isGroupPlanId } from './group-plan-id.ts'
import type { InterruptedGroup } from './interrupted-group.ts'

export const invalidGroupPlanId = (planId: string): InputError =>
  new InputError({
    what: 'Invalid plan_id',
    why: `${JSON.stringify(planId.slice(0, 60))} is not the id of a plan of several targets`,
    next: 'Assess the same targets again and pass the id of the plan that is shown.',
    code: 'bad_plan_id'
  })

/** @throws InputError naming the targets that have changed, where the plan of now is not the approved one. */
export function checkGroupPlanId(planId: string, { plan, members }: GroupAssessment): void {
  if (!isGroupPlanId(planId) || !plan) throw invalidGroupPlanId(planId)
  if (plan.id === planId) return
  const now = plan.members.map(({ target, plan: own }) => ({ target, planId: own.id }))
  const changed = changedMembers(planId, now)
  const serving = (target: string): string =>
    members.find((one) => one.target === target)?.assessment?.current?.version ?? 'nothing'
  throw staleGroupPlan(
    changed === null
      ? `the plan is now of ${now.map(({ target }) => target).join(', ')}, other targets than were approved`
      : changed.length === 0
        ? 'on_failure in deploy.json has changed, or the order of the targets'
        : changed.map((target) => `${target} has changed: ${serving(target)} is deployed there now`).join('; ')
  )
}

export const staleGroupPlan = (why: string): InputError =>
  new InputError({
    what: 'The approved plan is out of date',
    why,
    next: 'Assess the same targets again and approve the new plan.',
    code: 'stale_plan'
  })

/** Why the plan of one target is no longer the one that was approved a moment ago. */
export const changedSince = (target: string, before: string, now: Parameters<typeof whatChanged>[2], id: string) =>
  staleGroupPlan(`${target}: ${whatChanged(before, id, now)}`)

export const interruptedGroupFirst = ({ groupId, startedAt, options }: InterruptedGroup): InputError =>
  new InputError({
    what: 'An interrupted rollback of several targets comes first',
    why: `${groupId} began at ${startedAt} and never ended`,
    state: 'The rollback is half finished. This call changed nothing.',
    next: `Choose one: ${options.map(({ kind, version, id }) => `${kind} it (version ${version}, plan ${id})`).join(', or ')}.`,
    code: 'interrupted'
  })

/**
 * Checks the conditions of an unattended rollback of several targets: each must be automatic, and one must have failed.
 * @throws ConfigError naming each condition that is not met; nothing was begun.
 */
export async function checkGroupUnattended(
  { members, risks, blockers, interrupted }: GroupAssessment,
  isAutomatic: (target: string) => Promise<boolean>,
  because: string
): Promise<void> {
  const anyFailed = members.some(({ assessment }) => assessment?.failed)
  const each = await Promise.all(
    members.map(async ({ target, assessment }) => {
      if (!assessment) return [`${target} did not answer`]
      // One that still looks well goes back for another one of its release, to a version that was good beside it.
      const asFailed = { ...assessment, failed: anyFailed, recommended: assessment.chosen, risks: [], blockers: [] }
      return missingConditions(asFailed, await isAutomatic(target)).map((line) => `${target}: ${line}`)
    })
  )
  const serious = risks.filter((risk) => risk.serious).map(({ id }) => id)
  const missing = [
    ...each.flat(),
    ...(interrupted ? [`an interrupted rollback (${interrupted.groupId}) needs a person to decide`] : []),
    ...members.flatMap(({ target, assessment }) =>
      assessment?.chosen && (!assessment.chosen.good || assessment.chosen.evidenceAgainst.length > 0)
        ? [`${target}: ${assessment.chosen.release.version} is not known to be good`]
        : []
    ),
    ...(serious.length > 0 ? [`a person must accept these serious risks: ${serious.join(', ')}`] : []),
    ...blockers.map(({ what }) => `blocked: ${what}`)
  ]
  if (missing.length === 0) return
  throw new ConfigError({
    what: 'This rollback needs a confirmation, and may not run unattended',
    why: `${because}; ${missing.join('; ')}`,
    next: 'Run pop-deploy-rollback rollback in a terminal, use an MCP host that asks for confirmation, or meet these conditions.',
    code: 'not_unattended'
  })
}
