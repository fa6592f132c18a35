/** A text as somebody may read it, and where each of its letters stands in the text that it was read from. */
export interface Reading {
  text: string
  /** Where the original has what stands from one place until another here. */
  origin(from: number, until: number): [from: number, until: number]
  /** The lines of the original are joined. */
  joined: boolean
}

/**
 * The ways to read a text in which a value may be written: as it is, with escapes decoded (percent, HTML, JSON, shell), with a second
 * layer of them decoded, and with broken lines joined. A reading that would change nothing is left out.
 */
export function readingsOf(text: string): Reading[] {
  const asIs: Reading = { text, origin: (from, until) => [from, until], joined: false }
  const joined = reread(asIs, lineBreak, () => '', true)
  return [asIs, joined].flatMap((reading) => {
    if (!reading) return []
    const once = reread(reading, escaped, decoded)
    const twice = once && reread(once, escaped, decoded)
    const again = once && !reading.joined ? reread(once, lineBreak, () => '', true) : null
    return [reading, once, twice, again].filter((one) => one !== null)
  })
}

/** A text with every escape in it decoded. */
export const withoutEscapes = (text: string): string => text.replace(escaped, decoded)

/** A text whose broken lines are joined. */
export const joinedLines = (text: string): string => text.replace(lineBreak, '')

function reread(
  { text, origin, joined }: Reading,
  token: RegExp,
  replacement: (token: string) => string,
  joins = joined
): Reading | null {
  const parts: string[] = []
  // Of each run, left as it is or replaced: where it begins here, and where it begins and ends in the text before.
  const [begins, froms, untils]: [number[], number[], number[]] = [[], [], []]
  let [length, last] = [0, 0]
  const put = (part: string, from: number, until: number): void => {
    if (part === '') return
    begins.push(length)
    froms.push(from)
    untils.push(until)
    parts.push(part)
    length += part.length
  }
  for (const { 0: found, index } of text.matchAll(token)) {
    put(text.slice(last, index), last, index)
    last = index + found.length
    put(replacement(found), index, last)
  }
  if (last === 0) return null
  put(text.slice(last), last, text.length)
  const place = (at: number): [from: number, until: number] => {
    const run = lastAtMost(begins, at)
    const [from = 0, until = 0, offset] = [froms[run], untils[run], at - (begins[run] ?? 0)]
    const isReplaced = (begins[run + 1] ?? length) - (begins[run] ?? 0) !== until - from
    return isReplaced ? [from, until] : [from + offset, from + offset + 1]
  }
  return {
    text: parts.join(''),
    origin: (from, until) => origin(place(from)[0], place(until - 1)[1]),
    joined: joins
  }
}

/** The index of the last number that is at most `wanted`, of ascending ones. */
function lastAtMost(numbers: readonly number[], wanted: number): number {
  let [low, high] = [0, numbers.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((numbers[middle] ?? 0) <= wanted) low = middle
    else high = middle - 1
  }
  return low
}

/** The time that a log puts before a line. */
export const stamp = '(?:\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?(?:Z|[+-]\\d\\d:?\\d\\d)?[ \\t])?'
/** A line break with what stands before the text of the next line: a time, blanks, the mark of a quotation or a table. */
const lineBreak = new RegExp(`\\r?\\n${stamp}[ \\t]{0,40}(?:[|>][ \\t]{0,8})?`, 'g')

/** The named HTML entities of what a secret may hold. */
const named = Object.fromEntries(
  `lt< gt> amp& quot" apos' sol/ bsol\\ plus+ equals= num# excl! dollar$ percnt% ast* lpar( rpar) comma, semi; colon: commat@
  quest? lsqb[ rsqb] lcub{ rcub} lowbar_ grave\` verbar| hat^ period.`
    .split(/\s+/)
    .map((entity) => [entity.slice(0, -1), entity.slice(-1)])
    .concat([['nbsp', ' ']])
)

const hex = '[0-9a-f]'
/** One letter in each: percent-encoded UTF-8, JSON and C escapes, HTML entities, a quote within quotes of the shell, a backslash. */
const escaped = new RegExp(
  [
    `%(?:[0-7]${hex}|[cd]${hex}%[89ab]${hex}|e${hex}(?:%[89ab]${hex}){2}|f${hex}(?:%[89ab]${hex}){3})`,
    `\\\\{1,4}(?:u${hex}{4}|u\\{${hex}{1,6}\\}|x${hex}{2})`,
    `&(?:#\\d{1,7}|#x${hex}{1,6}|${Object.keys(named).join('|')});`,
    `'\\\\''|'"'"'`,
    '\\\\[nrt]',
    '\\\\+[^\\w\\s]?'
  ].join('|'),
  'gi'
)

/** Of a hostile text with millions of escapes few are distinct. */
const decodedBefore = new Map<string, string>()

function decoded(token: string): string {
  const known = decodedBefore.get(token)
  if (known !== undefined) return known
  if (decodedBefore.size > 2_000) decodedBefore.clear()
  const found = decodedAnew(token)
  decodedBefore.set(token, found)
  return found
}

function decodedAnew(token: string): string {
  if (token.startsWith('%')) return unpercented(token)
  if (token.startsWith('&')) return entity(token.slice(1, -1).toLowerCase())
  if (token.startsWith("'")) return "'"
  const code = /[ux]\{?([0-9a-f]+)\}?$/i.exec(token)?.[1]
  if (code && /^\\+[ux]/i.test(token)) return letterOf(Number.parseInt(code, 16))
  if (/^\\[nrt]$/i.test(token)) return '\n'
  return token.replace(/^\\+/, (backslashes) => '\\'.repeat(backslashes.length >> 1))
}

function unpercented(token: string): string {
  try {
    return decodeURIComponent(token)
  } catch {
    return token
  }
}

const entity = (name: string): string =>
  named[name] ?? letterOf(name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1)))

const letterOf = (code: number): string => (code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd')
