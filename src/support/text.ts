/** Cuts to at most `max` characters, keeping the end (logs tell most there), and says what was left out. */
export function capTail(text: string, max: number): string {
  if (text.length <= max) return text
  return `[${text.length - max} characters left out]\n${text.slice(-max)}`
}

/** Takes out what could steer a terminal or hide text: control characters, ANSI sequences, invisible and bidirectional marks. */
export const plain = (text: string): string => text.replace(ansi, '').replace(invisible, '')

/** One line of plain text from outside, at most `max` characters. */
export function oneLine(text: string, max = 200): string {
  const line = plain(text).replace(/\s+/g, ' ').trim()
  return line.length <= max ? line : `${line.slice(0, max - 1)}…`
}

/** A copy of plain data with every text changed, except the values that `isKept` names. */
export function eachText<T>(
  value: T,
  change: (text: string) => string,
  isKept: (key: string, inner: unknown) => boolean = () => false
): T {
  const changed = (inner: unknown): unknown => {
    if (typeof inner === 'string') return change(inner)
    if (Array.isArray(inner)) return inner.map(changed)
    if (!inner || typeof inner !== 'object') return inner
    const entries = Object.entries(inner)
    return Object.fromEntries(entries.map(([key, part]) => [key, isKept(key, part) ? part : changed(part)]))
  }
  return changed(value) as T
}

/** Milliseconds as a person says them: "850 ms", "25s", "3m 20s", "2h 5m". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`
  return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`
}

const ansi = /\u001b(\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(\u0007|\u001b\\)|[@-Z\\-_])/g
const invisible =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]/gu
