import { z } from 'zod'

/**
 * How a rollback ends. `undone`: it failed, and what served before serves again. `stuck`: a person must act. `unverified`: done, but a
 * check could not be made. `manual`: a person must do a step. `checked` is a dry run; `refused` never began.
 */
export const outcomeSchema = z.enum([
  'succeeded',
  'undone',
  'stuck',
  'manual',
  'cancelled',
  'unverified',
  'checked',
  'refused'
])

export type Outcome = z.infer<typeof outcomeSchema>
