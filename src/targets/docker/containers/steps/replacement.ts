import { z } from 'zod'
import { containerNamePattern } from '../../objects/reference.ts'

const name = z.string().regex(containerNamePattern)

/** What a step needs to know of one container; what it names is looked up when the step runs. */
export const replacementSchema = z.looseObject({
  /** The id of the container that is replaced. */
  container: z.string().regex(/^[a-f0-9]{64}$/),
  name,
  temporary: name,
  fallback: name,
  rehearsal: name,
  /** Exact: an image id, or `repository@digest`. */
  image: z.string().min(1),
  /** The tag under which it is to be shown, as far as that tag means the same image: `repository:1.1.0`. */
  shown: z.string().nullable(),
  /** What is replaced, for the label: `1.2.0 sha256:…`. */
  replaced: z.string(),
  /** Started beside the old one, without aliases until healthy. */
  beside: z.boolean(),
  was_running: z.boolean(),
  restart_policy: z.looseObject({ Name: z.string(), MaximumRetryCount: z.number() }),
  stop_timeout: z.number().nullable()
})

/** The parameters of every step: the containers that it handles at once. */
export const rollSchema = z.looseObject({ members: z.array(replacementSchema).min(1) })

export type Replacement = z.infer<typeof replacementSchema>
