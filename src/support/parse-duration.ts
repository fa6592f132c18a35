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
