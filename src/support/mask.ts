import { commandsIn, secretsIn } from './mask/arguments.ts'
import { identifies, isUnshown, severalLines } from './mask/fields.ts'
import { createFinder, type Finder } from './mask/finder.ts'
import { partsByShape, partsOf } from './mask/parts.ts'
import { readingsOf } from './mask/readings.ts'
import { hidden, withoutShapes } from './mask/shapes.ts'
import { spellingsOf } from './mask/spellings.ts'
import { guardsNothing, isCommonWord, isOrdinary, kindOf } from './mask/variables.ts'
import { eachText, oneLine, plain } from './text.ts'

/**
 * The one way out for text: takes out what could steer a terminal or hide words, and hides secrets: values that were registered, in
 * every spelling and with what can be derived from them, and shapes that are secrets by themselves.
 */
export interface Mask {
  /** Registers a secret value. Too short and too ordinary ones would mangle text that must be read and are left to the shapes. */
  add(value: string | undefined | null): void
  /**
   * Registers an environment variable's value: whatever it is if the name says that it is a secret, otherwise unless it is plainly
   * ordinary (a path, a version, a short word, a mere setting).
   */
  addVariable(name: string, value: string): void
  /** Registers what may be a secret among the arguments of commands: lists of them at any depth; a shell's line is one argument. */
  addArguments(commands: unknown): void
  /** Registers the values of labels or annotations that are secrets by their name or shape. */
  addLabels(labels: Readonly<Record<string, string>>): void
  /**
   * A name that answers are about stays readable wherever it occurs, whole or between its separators, also when a variable holds it.
   * The order of `spare` and `add` does not matter.
   */
  spare(name: string): void
  /** A text of one or more lines, as it may leave. */
  text(text: string): string
  /** The same of one line: line breaks become blanks. */
  line(text: string, max?: number): string
  /** A copy of plain data from outside with every string as it may leave; keys stay. */
  data<T>(value: T): T
  /** A copy of a record of this program to be read back by it: free text as it may leave, and what identifies something as it is. */
  record<T>(value: T): T
  /** A copy of a typed result to be shown: every field one line, but for those that have several; identities are not hidden. */
  shown<T>(value: T): T
}

const longestLine = 10_000
const longestText = 1_000_000
/** Of a text that is cut, the beginning may be the rest of a secret. */
const longestSecret = 5_000
const deepest = 4

export function createMask(): Mask {
  const secrets = createFinder()
  const names = createNames(secrets)
  const registered = new Set<string>()

  /** Registers a value that is a secret, and its parts. */
  const hide = (value: string, ordinary: (value: string) => boolean, depth = 0): void => {
    const text = value.trim()
    if (text.length < 3 || depth > deepest || registered.has(text)) return
    registered.add(text)
    if (!ordinary(text)) for (const spelling of spellingsOf(text)) secrets.add(spelling)
    for (const part of partsOf(text))
      if (part.name) addVariable(part.name, part.text, depth + 1)
      else hide(part.text, isTooOrdinary, depth + 1)
  }

  const addVariable = (name: string, value: string, depth = 0): void => {
    const kind = kindOf(name)
    if (kind === 'secret') hide(value, isCommonWord, depth)
    else if (kind === 'unknown' && !isOrdinary(value)) hide(value, isTooOrdinary, depth)
    else hideParts(value)
  }

  const hideParts = (value: string): void => {
    for (const { name, text } of partsByShape(value))
      if (!name) hide(text, isTooOrdinary)
      else if (kindOf(name) === 'secret') hide(text, isCommonWord)
  }

  const safe = (input: string): string => withoutShapes(withoutSecrets(plain(input), secrets, names))
  const text = (input: string): string => {
    const left = input.length - longestText
    if (left <= 0) return safe(input)
    return `[${left} characters left out]\n${safe(input.slice(-longestText)).slice(longestSecret)}`
  }
  const line = (input: string, max = longestLine): string => oneLine(text(input), max)
  const field = (input: string, key: string): string => (severalLines.has(key) ? text(input) : line(input))

  return {
    add: (value) => hide(value ?? '', isTooOrdinary),
    addVariable: (name, value) => addVariable(name, value),
    addArguments(commands) {
      for (const list of commandsIn(commands)) for (const secret of secretsIn(list)) hide(secret, isTooOrdinary)
    },
    addLabels(labels) {
      for (const [name, value] of Object.entries(labels))
        if (kindOf(name) === 'secret') hide(value, isCommonWord)
        else hideParts(value)
    },
    spare: names.add,
    text,
    line,
    data: (value) => eachText(value, text),
    record: (value) => eachText(value, field, identifies),
    shown: (value) =>
      eachText(
        value,
        (input, key) => (identifies(key, input) ? oneLine(input, longestLine) : field(input, key)),
        isUnshown
      )
  }
}

const isTooOrdinary = (value: string): boolean => value.length < 4 || guardsNothing(value)

/** A text with every registered value hidden that is not a part of a name. */
function withoutSecrets(text: string, secrets: Finder, names: Names): string {
  if (secrets.size === 0 || text === '') return text
  let isName: ((from: number, until: number) => boolean) | null = null
  /** At each place, how many secrets begin there, less those that end there. */
  let depths: Int32Array | null = null
  for (const reading of readingsOf(text))
    secrets.each(reading.text, (from, until) => {
      if (reading.joined ? until - from < 8 : !standsOut(reading.text, from, until)) return false
      const [start, end] = reading.origin(from, until)
      isName ??= names.within(text)
      if (isName(start, end)) return true
      depths ??= new Int32Array(text.length + 1)
      depths[start] = (depths[start] ?? 0) + 1
      depths[end] = (depths[end] ?? 0) - 1
      return true
    })
  return depths ? covered(text, depths) : text
}

function covered(text: string, depths: Int32Array): string {
  let [result, depth, from] = ['', 0, 0]
  for (let at = 0; at < depths.length; at++) {
    const change = depths[at] ?? 0
    if (change === 0) continue
    if (depth === 0) result += text.slice(from, at) + hidden
    depth += change
    from = at
  }
  return result + text.slice(from)
}

/** A short word or number counts only where it stands alone; anything else, wherever it occurs. */
function standsOut(text: string, from: number, until: number): boolean {
  if (until - from >= 12) return true
  const word = text.slice(from, until)
  if (word.length > 3 && !/^([a-z]+|\d+)$/i.test(word)) return true
  const [before, after] = [text.slice(Math.max(0, from - 2), from), text.slice(until, until + 2)]
  if (/[\p{L}\p{N}]$/u.test(before) || /^[\p{L}\p{N}]/u.test(after)) return false
  return !/^\d+$/.test(word) || !(/\d[.:-]$/.test(before) || /^[.:-]\d/.test(after))
}

/** The names that stay readable. */
interface Names {
  add(name: string): void
  /** Tells of a place in a text whether it is a part of a name there. */
  within(text: string): (from: number, until: number) => boolean
}

function createNames(secrets: Finder): Names {
  const finder = createFinder()
  /** Those that hold no secret so far, which need no finding. */
  const harmless = new Set<string>()
  let [checkedFor, unchecked] = [0, false]
  const holdsSecret = (name: string): boolean => {
    let holds = false
    secrets.each(name, () => (holds = true))
    return holds
  }
  const check = (): void => {
    if (!unchecked && checkedFor === secrets.size) return
    ;[checkedFor, unchecked] = [secrets.size, false]
    for (const name of harmless) if (holdsSecret(name) && harmless.delete(name)) finder.add(name)
  }
  const known = new Set<string>()
  return {
    add(name) {
      if (known.has(name)) return
      for (const part of partsOfName(name)) if (!known.has(part)) harmless.add(part)
      for (const part of partsOfName(name)) known.add(part)
      unchecked = true
    },
    within(text) {
      check()
      if (finder.size === 0) return () => false
      /** For each place, where the furthest name ends that begins there or before. */
      const reach = new Int32Array(text.length + 1)
      finder.each(text, (from, until) => {
        reach[from] = Math.max(reach[from] ?? 0, until)
        return true
      })
      for (let at = 1; at < reach.length; at++) reach[at] = Math.max(reach[at] ?? 0, reach[at - 1] ?? 0)
      return (from, until) => until <= (reach[from] ?? 0)
    }
  }
}

/** `a/b:c` is also known as `a/b`, `b:c`, `a`, `b` and `c`. */
function partsOfName(name: string): string[] {
  const pieces = name.split(/([/:@,\s]+)/)
  const words = pieces.map((_, index) => index).filter((index) => index % 2 === 0)
  if (words.length > 8) return [name, ...words.flatMap((index) => pieces[index] || [])]
  return words.flatMap((from) =>
    words.filter((to) => to >= from).flatMap((to) => pieces.slice(from, to + 1).join('') || [])
  )
}
