import { hidden, shapes } from './secret-shapes.ts'

/** Keeps secrets out of whatever leaves: literal values that were registered, and shapes that are secrets by themselves. */
export interface Mask {
  /** Registers a secret value. Too short ones would mangle ordinary text and are left to the patterns. */
  add(value: string | undefined | null): void
  /** Registers an environment variable's value, unless it is plainly ordinary (a path, a version, a short word). */
  addVariable(name: string, value: string): void
  text(text: string): string
  /** A copy of plain data with every string masked; keys stay. */
  data<T>(value: T): T
}

export function createMask(): Mask {
  const literals = new Set<string>()
  let pattern: RegExp | null = null

  const add = (value: string | undefined | null): void => {
    if (!value || value.length < 4 || literals.has(value)) return
    literals.add(value)
    if (value.includes('\n')) for (const line of value.split('\n')) add(line.trim())
    for (const written of [encodeURIComponent(Buffer.from(value).toString()), JSON.stringify(value).slice(1, -1)])
      literals.add(written)
    pattern = null
  }

  const literalPattern = (): RegExp | null => {
    if (literals.size === 0) return null
    pattern ??= new RegExp(
      [...literals]
        .sort((a, b) => b.length - a.length)
        .map((literal) => literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('|'),
      'g'
    )
    return pattern
  }

  const text = (input: string): string => {
    const literal = literalPattern()
    let output = literal ? input.replace(literal, hidden) : input
    for (const [shape, replacement] of shapes) output = output.replace(shape, replacement)
    return output
  }

  const data = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value)
    if (Array.isArray(value)) return value.map(data)
    if (value && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, data(inner)]))
    return value
  }

  return {
    add,
    addVariable(name, value) {
      if (secretName.test(name)) add(value)
      else if (value.length >= 6 && !ordinaryName.test(name) && !ordinaryValue.test(value)) add(value)
    },
    text,
    data: <T>(value: T) => data(value) as T
  }
}

const secretName = /pass(word|wd|phrase)?|secret|token|api_?key|private|credential|auth|dsn|connection_?string/i
const ordinaryName =
  /^(PATH|HOME|USER|SHELL|LANG|LC_.*|TZ|PWD|HOSTNAME|TERM|NODE_ENV|.*_VERSION|VERSION|.*_(HOST|PORT|ENV))$/i
const ordinaryValue = /^(v?\d+(\.\d+)*([-+][\w.]+)?|true|false|production|development|staging|[a-z]{1,8}|\/[\w./:-]*)$/i
