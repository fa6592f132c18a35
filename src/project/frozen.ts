import { type Frozen, frozenSchema } from '../model/frozen.ts'
import { InputError } from '../support/errors.ts'
import { quoted } from '../support/text.ts'
import { utcInstant } from './timestamp.ts'

/** The freezes of deploy.json that can be read, ended ones too. What else is in the list is left alone. */
export const readFrozen = (raw: unknown): Frozen[] =>
  (Array.isArray(raw) ? raw : []).flatMap((entry) => {
    const { success, data } = frozenSchema.safeParse(entry)
    if (!success) return []
    const { target, version, until, reason } = data
    // A time that cannot be read must not end a freeze.
    return [{ target, version, until: until == null ? null : utcInstant(until), reason: reason ?? null }]
  })

/** The freezes of a target that are in force, newest first. */
export const frozenOf = (all: readonly Frozen[], target: string, now: Date): Frozen[] =>
  all.filter((one) => one.target === target && !isOver(one, now))

/** The freeze of a version, written with or without a leading v; null when there is none in force. */
export const freezeOf = (all: readonly Frozen[], target: string, version: string, now: Date): Frozen | null =>
  frozenOf(all, target, now).find((one) => isSameVersion(one.version, version)) ?? null

const isOver = ({ until }: Frozen, now: Date): boolean => until !== null && until <= now.toISOString()

/** Whether two ways to write a version mean the same one. */
export const isSameVersion = (a: string, b: string): boolean => bare(a) === bare(b)

const bare = (version: string): string => version.replace(/^v(?=\d)/, '')

/** "1.2.0 is frozen until 2026-03-20 12:00 UTC ("wrong prices")". */
export const frozenLine = ({ version, until, reason }: Frozen): string =>
  `${version} is frozen${until ? ` until ${until.slice(0, 16).replace('T', ' ')} UTC` : ''}${reason ? ` (${quoted(reason, 160)})` : ''}`

/** Refuses a frozen version. @throws InputError with code `frozen`. */
export function refuseFrozen(frozen: Frozen | null, doing: string): void {
  if (!frozen) return
  const { target, version } = frozen
  throw new InputError({
    what: `${version} was not ${doing}`,
    why: `on ${target}, ${frozenLine(frozen)}`,
    state: 'Nothing was changed.',
    next: `Deploy another version, end the freeze with pop-deploy-rollback unfreeze --target ${target}, or add --force.`,
    code: 'frozen'
  })
}

/**
 * When a freeze ends: "24h", "7d", "90m", or an ISO 8601 time in the future; null without one.
 * @throws InputError for anything else.
 */
export function freezeEnd(text: string | undefined, now: Date): string | null {
  if (text === undefined) return null
  const [, count, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }
  const end = count ? new Date(now.getTime() + Number(count) * (units[unit] ?? 0)).toISOString() : utcInstant(text)
  if (end !== null && end > now.toISOString()) return end
  throw new InputError({
    what: 'Invalid end of the freeze',
    why: `${quoted(text, 40)} is neither a length such as 24h or 7d nor a time in the future such as 2026-03-20T12:00Z`,
    next: 'Pass --until with one, or omit it to freeze until unfreeze.',
    code: 'usage'
  })
}
