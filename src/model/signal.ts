import { z } from 'zod'

/** One value of a signal at a time, ISO 8601 UTC. */
export const signalSampleSchema = z.object({ at: z.string(), value: z.number() })

/**
 * What a signal says of the version that serves. `bad` was over its limit for as long as it must be; `pending` is over it, but not for so
 * long; `unknown` could not be read, and the message says why.
 */
export const signalReadingSchema = z.object({
  name: z.string(),
  state: z.enum(['good', 'pending', 'bad', 'unknown']),
  /** One line for people: "8.3 % since 14:02 UTC (limit 5 %), 0.2 % under 1.1.0". */
  message: z.string(),
  /** The newest value, for people: "8.3 %". */
  shown: z.string().optional(),
  /** Since when it is over its limit, as far as the store or this program saw it. */
  since: z.string().optional(),
  /** It was over its limit before this version was deployed: the version may not be the cause. */
  older: z.boolean().optional(),
  /** The store answers, and its next values may say something else: the newest ones are missing, or of the version before. */
  lagging: z.boolean().optional(),
  /** What it means after a rollback when it is bad or unknown. */
  proof: z.enum(['unverified', 'fail', 'ignore'])
})

/** How a signal went over a time, for a report. */
export const signalCourseSchema = z.object({
  name: z.string(),
  unit: z.string(),
  /** The value that it must not pass, in the unit of the samples; none where only an answer counts. */
  limit: z.number().optional(),
  samples: z.array(signalSampleSchema),
  /** The first and the last time that it was over its limit, and what it was at worst, for people. */
  badFrom: z.string().optional(),
  badUntil: z.string().optional(),
  goodAgain: z.string().optional(),
  worst: z.string().optional()
})

export type SignalSample = z.infer<typeof signalSampleSchema>
export type SignalReading = z.infer<typeof signalReadingSchema>
export type SignalCourse = z.infer<typeof signalCourseSchema>
