import { randomBytes } from 'node:crypto'
import { lstat, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { holderSchema } from '../../model/lease.ts'
import { outcomeSchema } from '../../model/outcome.ts'
import { camelCase } from '../../support/casing.ts'
import { InputError } from '../../support/errors.ts'
import { readOwnText } from '../../support/read-text.ts'
import { parseLine } from '../journal/journal.ts'
import { whyTooLate } from '../journal/possible.ts'

/** The format of group journals that this program writes and reads. */
export const groupJournalFormat = 1 as const

const at = z.string()
const identity = z.object({ version: z.string(), id: z.string() })

const memberSchema = z.object({
  target: z.string(),
  /** Its own journal has this name; there is none while it has not begun. */
  rollbackId: z.string().regex(/^rb-[\w-]{1,200}$/),
  planId: z.string(),
  from: identity.nullable(),
  to: identity
})

const groupBegunSchema = z.object({
  event: z.literal('begun'),
  format: z.literal(groupJournalFormat),
  at,
  groupId: z.string().regex(/^rg-[\w-]{1,80}$/),
  planId: z.string(),
  /** In the order in which they go back. */
  members: z.array(memberSchema).min(1).max(20),
  onFailure: z.enum(['stop', 'continue', 'undo']),
  accepted: z.array(z.string()),
  holder: holderSchema
})

const groupEventSchema = z.discriminatedUnion('event', [
  groupBegunSchema,
  z.object({ event: z.literal('resumed'), at, kind: z.enum(['finish', 'undo', 'close']), holder: holderSchema }),
  z.object({
    event: z.literal('member'),
    at,
    target: z.string(),
    state: z.enum(['begun', 'switching', 'proven', 'ended']),
    rollbackId: z
      .string()
      .regex(/^rb-[\w-]{1,200}$/)
      .nullish(),
    outcome: outcomeSchema.nullish(),
    detail: z.string().nullish()
  }),
  z.object({ event: z.literal('ended'), at, outcome: outcomeSchema, durationMs: z.number(), state: z.string() })
])

export type GroupBegun = z.infer<typeof groupBegunSchema>
export type GroupEvent = z.infer<typeof groupEventSchema>
type GroupEnded = Extract<GroupEvent, { event: 'ended' }>
/** An event before its time is set. */
export type GroupEntry = GroupEvent extends infer Event ? (Event extends GroupEvent ? Omit<Event, 'at'> : never) : never

/** The journal of a rollback of several targets, read back. It only points to the journals of its targets. */
export interface GroupRecord {
  path: string
  begun: GroupBegun
  events: GroupEvent[]
  /** How it ended; null while it runs, or when it was interrupted. */
  ended: GroupEnded | null
}

/** `rg-YYYYMMDD-HHMMSS-xxxxxx` in UTC, with a random end. */
export const newGroupId = (now: Date): string =>
  `rg-${now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)}-${randomBytes(3).toString('hex')}`

export const isGroupId = (id: string): boolean => /^rg-\d{8}-\d{6}-[0-9a-f]{6}$/.test(id)

const mostBytes = 1024 * 1024
const mostRead = 50

/** The newest readable group journal of a folder; null where there is none. It is evidence of what was done, and never a script. */
export async function newestGroup(dir: string, now: Date): Promise<GroupRecord | null> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => /^rg-\d{8}-\d{6}-[0-9a-f]{6}\.jsonl$/.test(name))
  for (const name of names.sort().reverse().slice(0, mostRead)) {
    const record = await readGroup(join(dir, name), now).catch(() => null)
    if (record) return record
  }
  return null
}

/** The journal of one group. @throws InputError when there is none that can be read. */
export async function groupById(dir: string, groupId: string, now: Date): Promise<GroupRecord> {
  const record = isGroupId(groupId) ? await readGroup(join(dir, `${groupId}.jsonl`), now).catch(() => null) : null
  if (record) return record
  throw new InputError({
    what: `There is no rollback ${groupId}`,
    why: `${dir} holds no readable journal of that name`,
    next: 'Pass the rollback_id of the rollback, or name the targets instead.',
    code: 'unknown_rollback'
  })
}

async function readGroup(path: string, now: Date): Promise<GroupRecord | null> {
  if ((await lstat(path)).isSymbolicLink()) return null
  const lines = (await readOwnText(path, mostBytes)).split('\n').flatMap(parseLine)
  const events = lines.flatMap((line) => {
    const parsed = groupEventSchema.safeParse(camelCase(line))
    return parsed.success ? [parsed.data] : []
  })
  const [begun] = events
  if (begun?.event !== 'begun' || begun.groupId !== basename(path, '.jsonl')) return null
  if (events.some((event) => whyTooLate(event.at, now) !== null)) return null
  const last = events.findLast(({ event }) => event === 'ended' || event === 'resumed')
  return { path, begun, events, ended: last?.event === 'ended' ? last : null }
}

/** The newest rollback of each target of a group. */
export const rollbackIdsOf = ({ begun, events }: GroupRecord): Map<string, string> =>
  new Map([
    ...begun.members.map(({ target, rollbackId }) => [target, rollbackId] as const),
    ...events.flatMap((event) =>
      event.event === 'member' && event.rollbackId ? [[event.target, event.rollbackId] as const] : []
    )
  ])
