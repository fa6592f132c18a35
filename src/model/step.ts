import { z } from 'zod'
import { jsonObject } from './json.ts'

/**
 * One step of a plan, as plain data: what a person approves is exactly this.
 * `prepare` changes nothing that serves, `switch` changes what serves, `cleanup` follows the proof and never undoes a switch.
 */
export const stepSchema = z.object({
  /** Unique within the plan, stable between two observations of the same state. */
  id: z.string(),
  kind: z.string(),
  phase: z.enum(['prepare', 'switch', 'cleanup']),
  /** A line for people in the -ing form: "Pulling previous image". */
  title: z.string(),
  /** Opaque outside the target. Never a secret. */
  params: jsonObject,
  /** A line for people about what undoes it; null when nothing needs undoing. */
  undo: z.string().nullable(),
  /** No program can do it: a person will be told how, and the rollback ends `manual`. */
  manual: z.boolean().optional(),
  /** The commands with which a person applies, and undoes, this step. */
  manualCommands: z.array(z.string()).optional(),
  manualUndoCommands: z.array(z.string()).optional()
})

export type Step = z.infer<typeof stepSchema>
