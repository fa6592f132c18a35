/** What the name of a variable, a setting, a label or an option says of its value. */
type Kind = 'secret' | 'ordinary' | 'unknown'

/** `DB_PASSWORD`, `apiKey` and `--requirepass` say that what they name is a secret; `TOKEN_TTL` does not. */
export function kindOf(name: string): Kind {
  const words = name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_')
  if (ordinaryName.test(words)) return 'ordinary'
  return (secretName.test(words) || secretEnd.test(words)) && !settingName.test(words) ? 'secret' : 'unknown'
}

/** Whether a value is plainly a path, a version, a short word or a mere setting. */
export const isOrdinary = (value: string): boolean => value.length < 6 || ordinaryValue.test(value)

/** Whether a word mixes small letters, capitals and digits, as generated ones do. */
export const isMixed = (word: string): boolean =>
  word.length >= 8 && /[a-z]/.test(word) && /[A-Z]/.test(word) && /\d/.test(word)

/** Words that are no secrets, and without which answers would be unreadable. */
export const isCommonWord = (value: string): boolean => commonWord.test(value)

/** What nobody would keep secret unless its name says so: common words, numbers, versions, very short plain words. */
export const guardsNothing = (value: string): boolean =>
  isCommonWord(value) || /^(v?\d+(\.\d+)+([-+][a-z][\w.]*)?|\d{1,5}|[a-z]{1,5}|[A-Z]{1,5})$/.test(value)

/** Switches, the names of environments, schemes and services. */
const commonWord = new RegExp(
  `^(${[
    'true|false|yes|no|on|off|enabled?|disabled?|none|null|undefined|default|auto|always|never|required|optional',
    'healthy|unhealthy|degraded|starting|running|stopped|exited',
    'production|development|staging|preview|testing|local|localhost|main|master|latest|stable',
    'basic|bearer|digest|oauth|oauth2|oidc|jwt|ldap|saml|https?|public|private|password|secret|token|admin|root|user|guest',
    'docker|kubernetes|postgres|postgresql|mysql|mariadb|mongo|mongodb|redis|rabbitmq|nginx|node|python|github|gitlab|vercel|netlify|npm|pypi'
  ].join('|')})$`,
  'i'
)
const secretName =
  /pass(word|wd|phrase|code)|(^|[_.-])(pass|pwd?|pw|auth|dsn|pin|salt|creds?|otp|jwt|webhook|cookie|seed)\d*($|[_.-])|secret|token|(api|access|account|private|signing|encryption)[_-]?keys?|credential|connection_?string/i
/** Only the last word of a name: `STRIPE_KEY`, not `KEY_COUNT`; `requirepass`, not `PASSIVE`. */
const secretEnd = /(?:(^|[_.-])keys?|pass|pwd|passw)([_.-]?(\d+|old|new|previous|current|b(ase)?64))?$/i
/** Named after a secret, and holding something about it that is none. */
const settingName =
  /[_.-](ENABLED?|DISABLED?|VERSION|TYPE|KIND|METHOD|MODE|SCHEME|PROVIDER|ALGORITHM|HOST|PORT|USER|USERNAME|NAME|FILE|PATH|DIR|TTL|LIFETIME|EXPIR\w{0,40}|LENGTH|COUNT|ISSUER|AUDIENCE|REALM|SCOPES?|ENV|REQUIRED)$/i
const ordinaryName =
  /^(PATH|HOME|USER|SHELL|LANG|LC_.*|TZ|PWD|OLDPWD|HOSTNAME|TERM|NODE_ENV|.*_VERSION|VERSION|.*_(HOST|PORT|ENV))$/i
const ordinaryValue = /^(v?\d+(\.\d+)*([-+][\w.]+)?|true|false|production|development|staging|[a-z]{1,8}|\/[\w./:-]*)$/i
