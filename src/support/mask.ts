import { hidden, shapes } from './secret-shapes.ts'

/** Keeps secrets out of whatever leaves: literal values that were registered, and shapes that are secrets by themselves. */
export interface Mask {
  /** Registers a secret value. Too short and too ordinary ones would mangle text that must be read and are left to the patterns. */
  add(value: string | undefined | null): void
  /** Registers an environment variable's value, unless it is plainly ordinary (a path, a version, a short word, a mere setting). */
  addVariable(name: string, value: string): void
  /** What answers must be able to name (a version, a commit) is no secret, nor is any part of it, also where a variable holds it. */
  spare(name: string): void
  text(text: string): string
  /** A copy of plain data with every string masked; keys stay. */
  data<T>(value: T): T
}

export function createMask(): Mask {
  const literals = new Set<string>()
  const spared = new Set<string>()
  let pattern: RegExp | null = null

  const add = (value: string | undefined | null): void => {
    if (!value || value.length < 4 || guardsNothing.test(value) || literals.has(value)) return
    for (const name of spared) if (name.includes(value)) return
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
      if (secretName.test(name) && !settingName.test(name)) add(value)
      else if (value.length >= 6 && !ordinaryName.test(name) && !ordinaryValue.test(value)) add(value)
    },
    spare(name) {
      spared.add(name)
      for (const literal of literals) if (name.includes(literal) && literals.delete(literal)) pattern = null
    },
    text,
    data: <T>(value: T) => data(value) as T
  }
}

/**
 * Words nobody would guard anything with, and answers would be unreadable without: switches, numbers, versions, the names of
 * environments, schemes and services, very short plain words.
 */
const guardsNothing = new RegExp(
  `^(${[
    'true|false|yes|no|on|off|enabled?|disabled?|none|null|undefined|default|auto|always|never|required|optional',
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
