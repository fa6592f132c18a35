import { z } from 'zod'
import { checkSchema } from '../../model/check.ts'
import { evidenceSchema, timelineEventSchema } from '../../model/diagnosis.ts'
import { holderSchema } from '../../model/lease.ts'
import { healthSchema } from '../../model/observation.ts'
import { outcomeSchema } from '../../model/outcome.ts'
import { releaseSchema } from '../../model/release.ts'
import { signalCourseSchema } from '../../model/signal.ts'
import { stepSchema } from '../../model/step.ts'

/** The format of journals that this program writes and reads. Raised whenever an older program would misread a journal. */
export const journalFormat = 2 as const

const at = z.string()

/** Everything that finishing or undoing the rollback later needs. */
export const begunSchema = z.object({
  event: z.literal('begun'),
  format: z.literal(journalFormat),
  at,
  rollbackId: z.string().regex(/^rb-[\w-]{1,200}$/),
  target: z.string(),
  type: z.string(),
  planId: z.string(),
  from: releaseSchema.nullable(),
  to: releaseSchema,
  health: healthSchema,
  steps: z.array(stepSchema),
  soakMs: z.number(),
  accepted: z.array(z.string()),
  notes: z.array(z.string()),
  holder: holderSchema,
  /** Nobody was asked: the conditions of an unattended rollback held. */
  unattended: z.boolean().optional(),
  /** The rollback of several targets that it is a part of. */
  groupId: z.string().optional()
})

const progressState = z.enum(['started', 'done', 'failed'])

export const journalEventSchema = z.discriminatedUnion('event', [
  begunSchema,
  z.object({ event: z.literal('resumed'), at, kind: z.enum(['finish', 'undo', 'close']), holder: holderSchema }),
  /** From now on the target holds its lease, until it ends. */
  z.object({ event: z.literal('leased'), at }),
  z.object({
    event: z.literal('step'),
    at,
    stepId: z.string(),
    state: progressState,
    durationMs: z.number().optional(),
    detail: z.string().optional(),
    /** The code of the error, where the step failed. */
    code: z.string().optional(),
    /** What the step leaves behind when the rollback succeeds. */
    remains: z.array(z.string()).optional()
  }),
  z.object({
    event: z.literal('revert'),
    at,
    stepId: z.string(),
    state: progressState,
    durationMs: z.number().optional(),
    detail: z.string().optional()
  }),
  /** `healthySince` is the time of the first of the uninterrupted healthy checks. */
  z.object({
    event: z.literal('checks'),
    at,
    checks: z.array(checkSchema),
    healthySince: z.string().optional(),
    /** How the configured signals went from the beginning of the failure to the end of the checks. */
    signals: z.array(signalCourseSchema).optional()
  }),
  z.object({ event: z.literal('evidence'), at, item: evidenceSchema }),
  z.object({ event: z.literal('findings'), at, findings: z.array(z.string()), events: z.array(timelineEventSchema) }),
  z.object({ event: z.literal('note'), at, text: z.string() }),
  z.object({
    event: z.literal('ended'),
    at,
    outcome: outcomeSchema,
    durationMs: z.number(),
    state: z.string(),
    remains: z.array(z.string())
  })
])

export type Begun = z.infer<typeof begunSchema>
export type JournalEvent = z.infer<typeof journalEventSchema>
export type Ended = Extract<JournalEvent, { event: 'ended' }>
/** An event before its time is set. */
export type Entry = JournalEvent extends infer Event ? (Event extends JournalEvent ? Omit<Event, 'at'> : never) : never
