import { z } from 'zod'
import { jsonObject } from './json.ts'

/**
 * One step of a plan, as plain data: what a person approves is exactly this.
 * `prepare` changes nothing that serves, `cure` changes what serves, `aftercare` follows the proof and never undoes a cure.
 */
export const stepSchema = z.object({
  /** Unique within the plan, stable between two surveys of the same state. */
  id: z.string(),
  kind: z.string(),
  phase: z.enum(['prepare', 'cure', 'aftercare']),
  /** A line for people in the -ing form: "Pulling previous image". */
  title: z.string(),
  /** Opaque to everybody but the target. Never a secret. */
  params: jsonObject,
  /** A line for people about what undoes it; null when nothing needs undoing. */
  undo: z.string().nullable(),
  /** The commands by which a person does, and undoes, the same by hand. */
  byHand: z.array(z.string()).optional(),
  undoByHand: z.array(z.string()).optional()
})

export type Step = z.infer<typeof stepSchema>
export type Phase = Step['phase']
