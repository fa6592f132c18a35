import { z } from 'zod'
import { jsonObject } from './json.ts'

/** Who runs a rollback. */
export const holderSchema = z.object({ host: z.string(), pid: z.number(), user: z.string() })

/** What is written on the target while a rollback runs, so that another machine sees it and can finish or undo it. */
export const leaseRecordSchema = z.object({
  rollbackId: z.string(),
  holder: holderSchema,
  startedAt: z.string(),
  /** The journal's first event: from, to and the steps. */
  begun: jsonObject,
  /** The new version passed its checks, and the cleanup may have removed what an undo needs. */
  proven: z.boolean().optional()
})

export type Holder = z.infer<typeof holderSchema>
export type LeaseRecord = z.infer<typeof leaseRecordSchema>
