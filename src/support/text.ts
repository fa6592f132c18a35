/** Cuts to at most `max` characters, keeping the end (logs tell most there), and says what was left out. */
export function capTail(text: string, max: number): string {
  if (text.length <= max) return text
  return `[${text.length - max} characters left out]\n${text.slice(-max)}`
}

/**
 * Text without what could steer a terminal or hide words: control characters, terminal sequences, and letters that are not seen
 * (formats, direction marks, variation selectors, fillers, tags). Line breaks and tabs stay.
 */
export const plain = (text: string): string =>
  suspect.test(text) ? text.replace(terminalSequence, '').replace(/\r\n?/g, '\n').replace(unseen, '') : text

/** One line of plain text from outside, at most `max` characters. */
export function oneLine(text: string, max = 200): string {
  const line = plain(text).replace(/\s+/g, ' ').trim()
  return line.length <= max ? line : `${line.slice(0, max - 1)}…`
}

/** What somebody else wrote or a program printed, within a sentence of ours: one line in quotes that nothing in it can close. */
export const quoted = (text: string, max?: number): string => `"${oneLine(text, max).replace(/["“”„‟″＂]/g, "'")}"`

/**
 * A copy of plain data with every text changed, except the values that `isKept` names. `change` is told the field, or that of the list.
 * What is one object in two places stays one.
 */
export function eachText<T>(
  value: T,
  change: (text: string, key: string) => string,
  isKept: (key: string, inner: unknown) => boolean = () => false
): T {
  const copies = new Map<object, unknown>()
  const copyOf = (inner: object, key: string): unknown => {
    if (Array.isArray(inner)) return inner.map((part) => changed(part, key === 'notes' ? 'note' : key))
    const entries = Object.entries(inner)
    return Object.fromEntries(entries.map(([name, part]) => [name, isKept(name, part) ? part : changed(part, name)]))
  }
  const changed = (inner: unknown, key: string): unknown => {
    if (typeof inner === 'string') return change(inner, key)
    if (!inner || typeof inner !== 'object') return inner
    if (!copies.has(inner)) copies.set(inner, copyOf(inner, key))
    return copies.get(inner)
  }
  return changed(value, '') as T
}

/** Milliseconds as a person says them: "850 ms", "25s", "3m 20s", "2h 5m". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`
  return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`
}

/** Milliseconds as a sentence says them: "40 s", "1 min 40 s", "2 h 5 min", "6 days". */
export function timeSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)]
  if (minutes < 60) return parts([minutes, 'min'], [minutes < 10 ? seconds % 60 : 0, 's'])
  if (hours < 48) return parts([hours, 'h'], [hours < 10 ? minutes % 60 : 0, 'min'])
  return `${Math.floor(hours / 24)} days`
}

const parts = (...all: [number, string][]): string =>
  all
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')

/** Bytes as a person says them: "850 B", "12 kB", "3.4 MB". */
export const byteSize = (bytes: number): string =>
  bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`

/** ECMA-48 control sequences and strings; of a string that does not end, only its introducer. */
const terminalSequence =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|(?:\u001b[P\]X^_]|[\u0090\u0098\u009d-\u009f])(?:[^\u0007\u001b\u0080-\u009f]*(?:\u0007|\u001b\\|\u009c))?|\u001b[ -/]*[0-~]?/g
/** U+2800 is a blank that is no space; a half of a surrogate pair is no letter. */
const unseen = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu
/** Most text is plain, and is told so quickly. */
const suspect = /[^\n\t\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff]/
