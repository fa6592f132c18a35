import { z } from 'zod'

/** An event with its source. `at` is ISO 8601 UTC. */
export const timelineEventSchema = z.object({
  at: z.string(),
  text: z.string(),
  source: z.string()
})

/** Text from outside (logs, events): masked and capped before it goes anywhere. */
export const evidenceSchema = z.object({
  title: z.string(),
  source: z.string(),
  text: z.string()
})

/** Why the current release fails, as far as the target tells. */
export const diagnosisSchema = z.object({
  /** Most telling first, one line each: "web-1 exited with code 137 (out of memory)". */
  findings: z.array(z.string()),
  events: z.array(timelineEventSchema),
  evidence: z.array(evidenceSchema)
})

export type TimelineEvent = z.infer<typeof timelineEventSchema>
export type Evidence = z.infer<typeof evidenceSchema>
export type Diagnosis = z.infer<typeof diagnosisSchema>
