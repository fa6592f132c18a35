import { z } from 'zod'
import { objectName } from '../config.ts'
import { kinds } from './names.ts'
import { imagesSchema } from './pins.ts'
import type { Revision } from './revision.ts'
import type { Workload } from './workload.ts'

export const nameSchema = z.string().regex(objectName)
export const hashSchema = z.string().regex(/^[0-9a-f]{1,64}$/)

/**
 * `own` is the hash of the revision object's template, where the workload's differs from it by defaults that a server fills in;
 * `revision` is empty where the controller had not created one yet.
 */
const side = z.object({
  revision: nameSchema.or(z.literal('')),
  hash: hashSchema,
  own: hashSchema.exactOptional(),
  /** Images that are fixed by digest when that revision is put in place; then `own` is the hash without them. */
  pins: imagesSchema.exactOptional()
})

/** One workload of a step: where it is, what was observed, and what should be there afterwards. Names and hashes only. */
export const moveSchema = z.object({
  kind: z.enum(kinds),
  namespace: nameSchema,
  name: nameSchema,
  uid: z.string(),
  from: side,
  to: side,
  /** The rollout is paused now; the rollback resumes it, undoing pauses it again. */
  paused: z.boolean()
})
export type Move = z.infer<typeof moveSchema>

/** Which side of a move is wanted: `from` when it is undone. */
export type Side = 'from' | 'to'

/** The move that undoes this one. */
export const reversed = (move: Move): Move => ({ ...move, from: move.to, to: move.from })

/** One workload that changes, and the revision it goes back to. */
export interface WorkloadChange {
  workload: Workload
  revision: Revision
  move: Move
  /** Whether the step that puts the template in place waits until the rollout is complete. */
  follow: boolean
}
