/** As this program writes it; needs no second look. */
const ours = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/
/** As popkit's Python writes it, in local time. */
const popkits = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}(\d{3})?$/
const shape =
  /^\s*(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?\s*$/i

/**
 * Takes an ISO 8601 timestamp as popkit writes it; gives the UTC instant in ISO 8601 with milliseconds, or null when it is none.
 * Without a zone it is local time, a date alone the local midnight.
 */
export function utcInstant(timestamp: string): string | null {
  if (ours.test(timestamp)) return timestamp
  if (popkits.test(timestamp)) return localInstant(timestamp.slice(0, 23))
  const found = shape.exec(timestamp)
  if (!found) return null
  const [, year = '', month = '', day = '', hour = '00', minute = '00', second = '00', fraction = '', zone = ''] = found
  if (+day < 1 || +day > daysIn(+year, +month) || +hour > 23 || +minute > 59 || +second > 59) return null
  const ms = fraction.slice(0, 3).padEnd(3, '0')
  const asUtc = `${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`
  if (zone === 'Z' || zone === 'z') return asUtc
  if (zone) return new Date(Date.parse(asUtc) - offsetMs(zone)).toISOString()
  return new Date(asUtc.slice(0, -1)).toISOString()
}

const offsets = new Map<string, number | null>()

/** Local time, as "2026-03-18T14:35:00.123". Most days have one offset, and a long history has many records of the same days. */
function localInstant(local: string): string {
  const day = local.slice(0, 10)
  const known = offsets.get(day)
  const offset = known === undefined ? offsetOf(day) : known
  if (known === undefined) offsets.set(day, offset)
  if (offset === 0) return `${local}Z`
  return new Date(offset === null ? local : Date.parse(`${local}Z`) - offset).toISOString()
}

/** How far local time is ahead of UTC throughout a day, in milliseconds; null when that changes within it. */
function offsetOf(day: string): number | null {
  const midnight = Date.parse(`${day}T00:00:00.000Z`)
  const begin = midnight - new Date(`${day}T00:00:00.000`).getTime()
  const end = midnight - (new Date(`${day}T23:59:59.999`).getTime() - 86_399_999)
  return begin === end ? begin : null
}

const daysIn = (year: number, month: number): number =>
  month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : (days[month - 1] ?? 0)

const days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function offsetMs(zone: string): number {
  const digits = zone.slice(1).replace(':', '')
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0)
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}
