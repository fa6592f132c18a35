import type { Blocker, Risk } from '../../model/observation.ts'
import { ConfigError, InputError } from '../../support/errors.ts'
import type { Assessment } from '../assess/assessment.ts'

/** A blocker as the error that refuses a rollback. */
export const blocked = ({ id, what, why, next }: Blocker): InputError =>
  new InputError({ what: `The rollback is refused: ${what}`, why, next, code: id })

export const notAccepted = (open: readonly Risk[]): InputError =>
  new InputError({
    what: 'The rollback is refused: serious risks are not accepted',
    why: open.map(({ id, title, detail }) => `${title} (${id}): ${detail}`).join(' | '),
    next: `Decide on each risk. To go on, accept: ${JSON.stringify(open.map(({ id }) => id))}.`,
    code: 'risks_not_accepted'
  })

export const invalidPlanId = (planId: string): InputError =>
  new InputError({
    what: 'Invalid plan_id',
    why: `${JSON.stringify(planId.slice(0, 60))} does not have the form plan-xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx`,
    next: 'Assess again and pass the id of the plan that is shown.',
    code: 'bad_plan_id'
  })

/** @param asked what to assess again: the target, and the version where one was named. */
export const stalePlan = (why: string, asked: { target: string; version?: string }): InputError =>
  new InputError({
    what: 'The approved plan is out of date',
    why,
    next: 'Assess again and approve the new plan.',
    code: 'stale_plan',
    call: { tool: 'assess_rollback', arguments: asked, when: 'to see what changed, and the new plan' }
  })

/**
 * Checks the conditions of an unattended rollback.
 * @throws ConfigError naming each condition that is not met; nothing was begun.
 */
export function checkUnattended(assessment: Assessment, automatic: boolean, because: string): void {
  const missing = missingConditions(assessment, automatic)
  if (missing.length === 0) return
  throw new ConfigError({
    what: 'This rollback needs a confirmation, and may not run unattended',
    why: `${because}; ${missing.join('; ')}`,
    next: 'Run pop-deploy-rollback rollback in a terminal, use an MCP host that asks for confirmation, or meet these conditions.',
    code: 'not_unattended'
  })
}

/** The conditions that are not met, one line each; none when it may run unattended. */
export function missingConditions(assessment: Assessment, automatic: boolean): string[] {
  const { target, failed, chosen, recommended, risks, health, interrupted, blockers, plan, withConfig } = assessment
  const serious = risks.filter((risk) => risk.serious).map(({ id }) => id)
  return [
    ...(automatic
      ? []
      : [
          `targets.${target}.automatic is not true in the committed deploy.json, or targets.${target} has uncommitted changes`
        ]),
    ...(failed ? [] : [`the current version has not failed (${health.state}: ${health.message})`]),
    ...(withConfig ? ['the configuration goes back too, which a person must approve'] : []),
    ...(interrupted ? [`an interrupted rollback (${interrupted.rollbackId}) needs a person to decide`] : []),
    ...(plan && chosen && chosen === recommended ? [] : ['the plan does not lead to a recommended version']),
    ...(serious.length > 0 ? [`a person must accept these serious risks: ${serious.join(', ')}`] : []),
    ...blockers.map(({ what }) => `blocked: ${what}`)
  ]
}
