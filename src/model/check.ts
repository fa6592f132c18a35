import { z } from 'zod'
import { jsonObject } from './json.ts'

/** One thing looked at after a rollback. `unknown` carries the reason in `detail`. */
export const checkSchema = z.object({
  id: z.string(),
  title: z.string(),
  status: z.enum(['pass', 'fail', 'unknown']),
  detail: z.string()
})

/** All checks of one look. `observed` is handed back as the baseline of the next look: start times, restart counts. */
export const checkReportSchema = z.object({
  checks: z.array(checkSchema),
  observed: jsonObject,
  /** What fails may pass within the soak, for it waits for a person or a cache: it is looked at again until then. */
  awaited: z.boolean().optional()
})

export type Check = z.infer<typeof checkSchema>
export type CheckReport = z.infer<typeof checkReportSchema>
