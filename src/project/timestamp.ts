const shape = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i

/**
 * Takes an ISO 8601 timestamp as popkit writes it; gives the UTC instant in ISO 8601 with milliseconds, or null when it is none.
 * Without a zone it is local time, a date alone the local midnight.
 */
export function utcInstant(timestamp: string): string | null {
  const found = shape.exec(timestamp.trim())
  if (!found) return null
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0))
  const ms = Number((found[7] ?? '').padEnd(3, '0').slice(0, 3))
  const parts = [year ?? 0, (month ?? 0) - 1, day ?? 0, hour ?? 0, minute ?? 0, second ?? 0, ms] as const
  const asUtc = new Date(Date.UTC(...parts))
  const calendarHolds = asUtc.getUTCMonth() === parts[1] && asUtc.getUTCDate() === day && asUtc.getUTCHours() === hour
  if (!calendarHolds || parts[4] > 59 || parts[5] > 59) return null
  const zone = found[8]
  return (zone ? new Date(asUtc.getTime() - offsetMs(zone)) : new Date(...parts)).toISOString()
}

function offsetMs(zone: string): number {
  if (/z/i.test(zone)) return 0
  const digits = zone.slice(1).replace(':', '')
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0)
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}
