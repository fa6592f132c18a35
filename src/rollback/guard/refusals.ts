import type { Blocker } from '../../model/observation.ts'
import { InputError } from '../../support/errors.ts'

/** A blocker as the error that refuses a rollback. */
export const refusedFor = ({ id, what, why, next }: Blocker): InputError =>
  new InputError({ what: `The rollback is refused: ${what}`, why, next, code: id })
