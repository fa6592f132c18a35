import { z } from 'zod'
import { jsonObject } from './json.ts'

/** One check after a rollback. `unknown` has its reason in `detail`. */
export const checkSchema = z.object({
  id: z.string(),
  title: z.string(),
  status: z.enum(['pass', 'fail', 'unknown']),
  detail: z.string()
})

/** All checks of one moment. `observed` is the baseline of the next ones: start times, restart counts. */
export const checkReportSchema = z.object({
  checks: z.array(checkSchema),
  observed: jsonObject,
  /** What fails may pass within the soak, because it waits for a person or a cache. */
  awaited: z.boolean().optional(),
  /** How long what is unknown may take to become known, in milliseconds, where that is longer than the soak. */
  patienceMs: z.number().optional()
})

export type Check = z.infer<typeof checkSchema>
export type Verdict = Pick<Check, 'status' | 'detail'>
export type CheckReport = z.infer<typeof checkReportSchema>

/** A check that is made in several places. */
export const checkOf =
  (id: string, title: string) =>
  (status: Check['status'], detail: string): Check => ({ id, title, status, detail })
