import { withoutEscapes } from './readings.ts'
import { hiddenByShape } from './shapes.ts'

/** A part of a value, with the name that it has within, if any. */
interface Part {
  name?: string
  text: string
}

const mostParsed = 1_000_000

/**
 * The parts of a secret value that are secrets themselves: passwords in addresses and connection strings, fields of JSON, what
 * follows a scheme or a user, what is within quotes or encoded, each line and each of a list.
 */
export function partsOf(value: string): Part[] {
  const [, scheme] = /^\s*(?:bearer|basic|token|apikey|key)\s+(\S.*)$/is.exec(value) ?? []
  const [, , withinQuotes] = /^\s*(["'`])(.+)\1\s*$/s.exec(value) ?? []
  const [, afterUser] = /^[^\s:/@"'{}[\]]{1,80}:([^\s/][^\s]*)$/.exec(value) ?? []
  const list = value.split(/[\s,;|]+/)
  const found = [
    scheme,
    withinQuotes,
    afterUser,
    decodedOf(value),
    ...(value.includes('\n') ? value.split('\n').map((line) => line.trim()) : []),
    ...(list.length > 1 ? list.filter((one) => one.length >= 8 && /\d/.test(one) && /[a-z]/i.test(one)) : [])
  ]
  return [...found.flatMap((text) => (text ? [{ text }] : [])), ...partsByShape(value)]
}

/** The parts that show by themselves that they are secrets, whatever the value is. */
export const partsByShape = (value: string): Part[] => [
  ...hiddenByShape(value).flatMap((text) => [...new Set([text, withoutEscapes(text)])].map((part) => ({ text: part }))),
  ...fieldsOf(value)
]

/** What a value in base64 says, if that is text. */
function decodedOf(value: string): string | undefined {
  const letters = value.replace(/\s+/g, '')
  if (letters.length < 8 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(letters)) return undefined
  const text = Buffer.from(letters, 'base64').toString('utf8')
  return /^[\x20-\x7e\s\u00a0-\ufffc]{4,}$/.test(text) ? text : undefined
}

/** The fields of a JSON text, however deep; of `{"name": "A", "value": "b"}` the one that it means. */
function fieldsOf(value: string): Part[] {
  if (value.length > mostParsed || !/^\s*[[{"]/.test(value)) return []
  try {
    return fieldsIn('', JSON.parse(value))
  } catch {
    return []
  }
}

function fieldsIn(name: string, value: unknown): Part[] {
  if (typeof value === 'string' || typeof value === 'number') return [{ name, text: String(value) }]
  if (Array.isArray(value)) return value.flatMap((inner) => fieldsIn(name, inner))
  if (!value || typeof value !== 'object') return []
  const named = 'name' in value && 'value' in value && typeof value.name === 'string' ? value.name : undefined
  return Object.entries(value).flatMap(([key, inner]) => fieldsIn(key === 'value' && named ? named : key, inner))
}
