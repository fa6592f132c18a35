import { hidden, shapes } from './secret-shapes.ts'
import { eachText } from './text.ts'

/** Keeps secrets out of whatever leaves: literal values that were registered, and shapes that are secrets by themselves. */
export interface Mask {
  /** Registers a secret value. Too short and too ordinary ones would mangle text that must be read and are left to the patterns. */
  add(value: string | undefined | null): void
  /** Registers an environment variable's value, unless it is plainly ordinary (a path, a version, a short word, a mere setting). */
  addVariable(name: string, value: string): void
  /**
   * A name that answers are about stays readable wherever it occurs, whole or between its separators, also when a variable holds it.
   * The order of `spare` and `add` does not matter.
   */
  spare(name: string): void
  text(text: string): string
  /** A copy of plain data from outside with every string masked; keys stay. */
  data<T>(value: T): T
  /** A copy of a record of this program with its free text masked; what identifies something stays as it is. */
  record<T>(value: T): T
}

export function createMask(): Mask {
  const literals = new Set<string>()
  const spared = new Set<string>()
  let pattern: RegExp | null = null
  let names: RegExp | null = null
  const changed = (): void => {
    pattern = null
    names = null
  }

  const add = (value: string | undefined | null): void => {
    if (!value || value.length < 4 || guardsNothing.test(value) || literals.has(value)) return
    literals.add(value)
    if (value.includes('\n')) for (const line of value.split('\n')) add(line.trim())
    for (const written of [encodeURIComponent(Buffer.from(value).toString()), JSON.stringify(value).slice(1, -1)])
      literals.add(written)
    changed()
  }

  const withoutLiterals = (input: string): string => {
    if (literals.size === 0) return input
    pattern ??= new RegExp(anyOf([...literals]), 'g')
    names ??= namesPattern(spared, literals)
    const named = [...input.matchAll(names)]
    let next = 0
    let namedUntil = 0
    return input.replace(pattern, (literal, offset: number) => {
      for (; (named[next]?.index ?? input.length) <= offset; next++)
        namedUntil = Math.max(namedUntil, (named[next]?.index ?? 0) + (named[next]?.[1] ?? '').length)
      return offset + literal.length <= namedUntil ? literal : hidden
    })
  }

  const text = (input: string): string => {
    let output = withoutLiterals(input)
    for (const [shape, replacement] of shapes) output = output.replace(shape, replacement)
    return output
  }

  return {
    add,
    addVariable(name, value) {
      if (secretName.test(name) && !settingName.test(name)) add(value)
      else if (value.length >= 6 && !ordinaryName.test(name) && !ordinaryValue.test(value)) add(value)
    },
    spare(name) {
      if (spared.has(name)) return
      for (const part of partsOf(name)) spared.add(part)
      changed()
    },
    text,
    data: (value) => eachText(value, text),
    record: (value) => eachText(value, text, identifies)
  }
}

const anyOf = (words: readonly string[]): string =>
  [...words]
    .sort((a, b) => b.length - a.length)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('|')

/** Finds the longest name at each place, of those that a literal would mangle; they may overlap. */
function namesPattern(spared: ReadonlySet<string>, literals: ReadonlySet<string>): RegExp {
  const all = [...literals]
  const mangled = [...spared].filter((name) => all.some((literal) => name.includes(literal)))
  return mangled.length > 0 ? new RegExp(`(?=(${anyOf(mangled)}))`, 'g') : /(?!)/g
}

/** `a/b:c` is also known as `a/b`, `b:c`, `a`, `b` and `c`. */
function partsOf(name: string): string[] {
  const pieces = name.split(/([/:@,\s]+)/)
  const words = pieces.map((_, index) => index).filter((index) => index % 2 === 0)
  if (words.length > 8) return [name, ...words.flatMap((index) => pieces[index] || [])]
  return words.flatMap((from) =>
    words.filter((to) => to >= from).flatMap((to) => pieces.slice(from, to + 1).join('') || [])
  )
}

/**
 * Fields of this program's own records in which every letter counts: which thing is meant, when, and what the program itself calls
 * it. A value with blanks is a sentence all the same. All other text is masked.
 */
const identities = new Set(
  `id rollbackid planid stepid target type event kind phase status state outcome direction verdict code tool
  version from to rollbackto digest rollbacktodigest commit accept accepted
  at since until now timestamp startedat begunat endedat recoveredat createdat rolledbackat lastgoodat healthysince`.split(
    /\s+/
  )
)
/** Plain data that hold names and hashes, never a secret; a resumption depends on every letter of them. */
const opaque = new Set(['holder', 'recorded', 'details', 'fingerprint', 'snapshot', 'params', 'arguments'])

function identifies(key: string, value: unknown): boolean {
  const name = key.replaceAll('_', '').toLowerCase()
  if (opaque.has(name)) return true
  if (name === 'steps') return Array.isArray(value) && value.every((step) => step?.params !== undefined)
  return identities.has(name) && [value].flat().every((one) => typeof one === 'string' && /^\S*$/.test(one))
}

/**
 * Words that are no secrets, and without which answers would be unreadable: switches, numbers, versions, the names of
 * environments, schemes and services, very short plain words.
 */
const guardsNothing = new RegExp(
  `^(${[
    'true|false|yes|no|on|off|enabled?|disabled?|none|null|undefined|default|auto|always|never|required|optional',
    'healthy|unhealthy|degraded|starting|running|stopped|exited',
    'production|development|staging|preview|testing|local|localhost|main|master|latest|stable',
    'basic|bearer|digest|oauth|oauth2|oidc|jwt|ldap|saml|https?|public|private|password|secret|token|admin|root|user|guest',
    'docker|kubernetes|postgres|postgresql|mysql|mariadb|mongo|mongodb|redis|rabbitmq|nginx|node|python|github|gitlab|vercel|netlify|npm|pypi',
    'v?\\d+(\\.\\d+)+([-+][a-z]+[\\w.]*)?|\\d{1,5}|[a-z]{1,5}|[A-Z]{1,5}'
  ].join('|')})$`
)
const secretName =
  /pass(word|wd|phrase)|(^|[_.-])(pass|pwd|auth|dsn|pin|salt)($|[_.-])|secret|token|(api|access|private|signing|encryption)[_-]?key|credential|connection_?string/i
/** Named after a secret, and holding something about it that is none. */
const settingName =
  /[_.-](ENABLED?|DISABLED?|VERSION|TYPE|KIND|METHOD|MODE|SCHEME|PROVIDER|ALGORITHM|HOST|PORT|USER|USERNAME|NAME|FILE|PATH|DIR|TTL|LIFETIME|EXPIR\w*|LENGTH|COUNT|ISSUER|AUDIENCE|REALM|SCOPES?|ENV|REQUIRED)$/i
const ordinaryName =
  /^(PATH|HOME|USER|SHELL|LANG|LC_.*|TZ|PWD|HOSTNAME|TERM|NODE_ENV|.*_VERSION|VERSION|.*_(HOST|PORT|ENV))$/i
const ordinaryValue = /^(v?\d+(\.\d+)*([-+][\w.]+)?|true|false|production|development|staging|[a-z]{1,8}|\/[\w./:-]*)$/i
