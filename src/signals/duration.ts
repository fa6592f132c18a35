const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** A time as Prometheus and people write it ("90s", "2m", "1h30m"), in milliseconds; null for anything else, and for nothing. */
export function parseDuration(text: string): number | null {
  let total = 0
  let rest = text.trim()
  while (rest !== '') {
    const [whole, number, unit = ''] = /^(\d{1,9})(ms|[smhdw])/.exec(rest) ?? []
    if (whole === undefined) return null
    total += Number(number) * (unitMs[unit] ?? 0)
    rest = rest.slice(whole.length)
  }
  return total > 0 ? total : null
}

/**
 * The longest range that a query looks back ("[5m]" in it; the first part of a subquery): for so long the values of what served before
 * count in it. 0 where it names none.
 */
export const rangeOf = (query: string): number =>
  Math.max(
    0,
    ...query
      .split('[')
      .slice(1)
      .map((part) => parseDuration(part.split(/[\]:]/, 1)[0] ?? '') ?? 0)
  )
