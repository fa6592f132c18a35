import { z } from 'zod'

/** How a rollback ends; DESIGN's vocabulary. `checked` is a dry run, `refused` never began. */
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
