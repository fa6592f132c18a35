import type { Blocker, Risk } from '../../model/observation.ts'
import { InputError } from '../../support/errors.ts'

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

export const stalePlan = (why: string): InputError =>
  new InputError({
    what: 'The approved plan is out of date',
    why,
    next: 'Assess again and approve the new plan.',
    code: 'stale_plan'
  })
