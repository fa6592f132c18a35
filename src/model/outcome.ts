import { z } from 'zod'

/** How a rollback ends; DESIGN's vocabulary. `checked` is a dry run, `refused` never began. */
export const outcomeSchema = z.enum([
  'succeeded',
  'restored',
  'stuck',
  'manual',
  'cancelled',
  'unproven',
  'checked',
  'refused'
])

export type Outcome = z.infer<typeof outcomeSchema>
