import { z } from 'zod'
import { objectName } from '../config.ts'
import { kinds } from './names.ts'
import type { Revision } from './revision.ts'
import type { Workload } from './workload.ts'

export const nameSchema = z.string().regex(objectName)

/** `own` is the hash of the revision object's template, where the workload's differs from it by defaults that a server fills in. */
const side = z.object({ revision: z.string(), hash: z.string(), own: z.string().exactOptional() })

/** One workload of a step: where it is, what was observed, and what should be there afterwards. Names and hashes only. */
export const moveSchema = z.object({
  kind: z.enum(kinds),
  namespace: nameSchema,
  name: nameSchema,
  uid: z.string(),
  from: side,
  to: side,
  /** The rollout is paused now; the rollback resumes it, undoing pauses it again. */
  paused: z.boolean(),
  /** Whether the step waits until the rollout is complete. */
  follow: z.boolean()
})
export type Move = z.infer<typeof moveSchema>

/** The move that undoes this one. */
export const reversed = (move: Move): Move => ({ ...move, from: move.to, to: move.from })

/** One workload that changes, and the revision it goes back to. */
export interface WorkloadChange {
  workload: Workload
  revision: Revision
  move: Move
}
