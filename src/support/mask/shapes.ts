/*
 * What is a secret by its shape. Texts from outside may be long and hostile, so every pattern stays linear: none begins with a run of
 * characters that it may also begin within, and every run that something must follow is bounded.
 */

import { stamp } from './readings.ts'

export const hidden = '***'

/** Prefixes that platforms give their credentials, each with what follows it. */
const tokens = [
  'npm_[A-Za-z0-9]{20,}',
  'gh[opsur]_[A-Za-z0-9]{20,}',
  'github_pat_\\w{20,}',
  'gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[\\w.-]{16,}',
  'pypi-[\\w-]{16,}',
  'nf[pcoub]_\\w{20,}',
  'vc[piark]_[\\w-]{20,}',
  '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}',
  'xox[abeoprs](?:\\.xox[bp])?-[\\w-]{10,}',
  'xapp-[\\w-]{10,}',
  '(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}',
  'whsec_[\\w+/=-]{16,}',
  'sk-[\\w-]{20,}',
  'AIza[\\w-]{35}',
  'ya29\\.[\\w.-]{20,}',
  'GOCSPX-[\\w-]{20,}',
  '1//0[\\w-]{30,}',
  'dckr_[a-z]{2,4}_[\\w-]{20,}',
  'do[opr]_v1_[a-f0-9]{32,}',
  'hv[bs]\\.[\\w-]{20,}',
  'hf_[A-Za-z0-9]{20,}',
  'HRKU-[\\w-]{20,}',
  'SG\\.[\\w-]{16,}\\.[\\w-]{16,}',
  'shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}',
  'gls?[ac]_[\\w+/=-]{20,}',
  'dapi[a-f0-9]{32}',
  'sntry[su]_[\\w+/=.-]{20,}',
  'rubygems_[a-f0-9]{32,}',
  'lin_api_[A-Za-z0-9]{20,}',
  'AGE-SECRET-KEY-1[A-Z0-9]{20,}'
].join('|')

/** Words that name what follows them as a secret, within a longer name, too: DB_PASSWORD, clientSecret. */
const words =
  'password|passwd|passphrase|passcode|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|signing[_-]?key|encryption[_-]?key|credential'

/** A value in quotes, also in those of a JSON text within a JSON text; an unclosed quote reaches to the end of the line. */
const value = `\\\\{1,4}"[^"\\\\\\n]*|\\\\{1,4}'[^'\\\\\\n]*|"[^"\\\\]*(?:\\\\.[^"\\\\]*){0,500}"|"[^\\n]*|'[^']*'|'[^\\n]*|[^\\s,;&"'}\\\\]+`

const pair = (name: string, bare = value): RegExp =>
  new RegExp(`(${name}\\\\{0,4}["']?[ \\t]{0,8}(?:=>|[=:]|%3[ad])[ \\t]{0,8})(?:${bare})`, 'gi')

type Shape = readonly [pattern: RegExp, replacement: string]

/** A text with everything hidden that is a secret by its shape. */
export const withoutShapes = (text: string): string => {
  let output = text
  for (const [pattern, replacement] of shapes) output = output.replace(pattern, replacement)
  return output.replace(/[^\n]+/g, (line) =>
    commandWithPassword.test(line) ? line.replace(passwordOption, `$1${hidden}`) : line
  )
}

/** What these shapes would hide of a text, without the quotes around it; of a login only the password, unless there is no other part. */
export const hiddenByShape = (text: string): string[] =>
  shapes.flatMap(([pattern, replacement]) =>
    [...text.matchAll(pattern)].map(([all, kept = '']) => {
      const found = replacement.startsWith('$1') ? all.slice(kept.length) : all
      if (replacement.endsWith('@')) return /^[^:]*:(.+)@$/s.exec(found)?.[1] ?? found.slice(0, -1)
      return found.replace(/^[\\"'\s]+|(?<![\\"'\s])[\\"'\s]+$/g, '')
    })
  )

/** Commands that take a password right after a short option. */
const commandWithPassword = /\b(?:mysql|mariadb|mongo|sshpass\b|redis-cli\b|login\b)/i
const passwordOption = /((?<![\w-])(?:-p[ \t]?|-a[ \t]))(?![-\s])(?!\d{1,5}(?:\s|$))[^\s"']+/g

const shapes: readonly Shape[] = [
  [
    /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g,
    hidden
  ],
  // the end of a key whose beginning was cut off
  [/(?<![A-Za-z0-9+/=\s\\])[A-Za-z0-9+/=\s\\]+-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g, hidden],
  // a password that holds a slash is no valid address, and is written all the same; a port is none
  [
    /(?<=[a-z0-9]:\/\/)(?:[^\s/?#"'<>]*@|[^\s/@:"'<>]*:(?!\d{1,5}(?:[/?#]|$))(?:(?!:\/\/)[^\s@"'<>])+@)/gi,
    `${hidden}@`
  ],
  [
    /((?:hooks\.slack\.com\/(?:services|workflows|triggers)|discord(?:app)?\.com\/api\/webhooks)\/)[\w/-]+/gi,
    `$1${hidden}`
  ],
  [/\b(bearer|basic)\s{1,8}[\w.~+/=-]{8,}/gi, `$1 ${hidden}`],
  [/\b(digest\s{1,8})[a-z]{1,20}=[^\r\n]+/gi, `$1${hidden}`],
  // the secret that AWS gives with a key id
  [/(\b(?:AKIA|ASIA)[A-Z0-9]{16}[^A-Za-z0-9/+]{1,20})[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/g, `$1${hidden}`],
  [new RegExp(`(?<![A-Za-z0-9])(?:${tokens})`, 'g'), hidden],
  // a JSON web token, and any other JSON in base64
  [/(?<![A-Za-z0-9])eyJ[\w-]{12,}(?:\.[\w-]*){0,4}/g, hidden],
  [pair('authorization', `["']?(?:[A-Za-z]{1,20}[ \\t]{1,4})?[^\\s"',;\\\\]{6,}`), `$1${hidden}`],
  [pair('cookie', '[^\\r\\n]+'), `$1${hidden}`],
  // a block of YAML under such a name: every line that is indented further
  [
    new RegExp(
      `^(${stamp}([ \\t]{0,40})(?:- )?["']?[\\w.-]{0,40}?(?:${words})[\\w.-]{0,40}["']?:[ \\t]{0,8}[|>][-+\\d]{0,3}[ \\t]{0,8}\\n)(?:${stamp}\\2[ \\t]+[^\\n]*(?:\\n|$))+`,
      'gim'
    ),
    `$1  ${hidden}\n`
  ],
  [pair(`(?:${words})[\\w.-]{0,40}`, `(?![|>][-+\\d]{0,3}[ \\t]{0,8}\\n)(?:${value})`), `$1${hidden}`],
  [new RegExp(`(<[\\w:.-]{0,40}?(?:${words})[\\w:.-]{0,40}(?:\\s[^<>\\n]{0,200})?>)[^<]+`, 'gi'), `$1${hidden}`],
  // "my password is x1", "api_key_id x1": a sentence goes on with a word without a digit
  [
    new RegExp(`((?:${words})[ \\t]{1,8}(?:is|was)[ \\t:]{1,8})(?=[^\\s\\d]{0,80}\\d)[^\\s,;]{4,}`, 'gi'),
    `$1${hidden}`
  ],
  [
    /((?<![A-Za-z0-9])[a-z]{1,40}_(?:key|token|secret|password)(?:_id)?[ \t]{1,8})(?=[^\s\d]{0,80}\d)[^\s,;]{6,}/gi,
    `$1${hidden}`
  ],
  // a line of netrc, which may be broken
  [/(\blogin\s{1,8}\S{1,200}\s{1,8}(?:account\s{1,8}\S{1,200}\s{1,8})?passw(?:or)?d\s{1,8})\S+/gi, `$1${hidden}`],
  [/(\bmachine\s{1,8}\S{1,200}\s{1,8}passw(?:or)?d\s{1,8})\S+/gi, `$1${hidden}`],
  [/(\bjdbc:oracle:[a-z]{1,10}:[^\s/@]{1,100}\/)[^\s@]{1,200}(?=@)/gi, `$1${hidden}`],
  [/(\/services\/T\w{1,20}\/B\w{1,20}\/)\w+/g, `$1${hidden}`],
  // a login without a scheme; an image, an address of mail and an alias of npm look alike
  [
    /((?<![\w/@:.%+-])(?!(?:npm|mailto|git|ssh|workspace|sha\d+|docker|docker-image|oci|image|file|patch|portal|link|sip|jsr|v\d[\w.]*):)[A-Za-z][\w.-]{0,63}:)(?=[^\s@/:"'<>]{0,64}[\dA-Z])(?!v?\d+(?:\.\d+)*[-+.\w]*@)[^\s@/:"'<>]{4,128}@(?!sha\d+:)(?=[A-Za-z0-9(])/g,
    `$1${hidden}@`
  ],
  [/((?<![\w/@:.%+-])[A-Za-z][\w.-]{0,63}:)[^\s@/:"'<>]{1,128}@(?=(?:tcp|udp|unix)\()/g, `$1${hidden}@`],
  [pair('(?<![A-Za-z0-9])pwd', `(?![/~$\\\\]|["']?[a-z]:)(?:${value})`), `$1${hidden}`],
  [pair('(?<![A-Za-z0-9])_?auth', `["']?[A-Za-z0-9+/=]{12,}`), `$1${hidden}`],
  [/([?&](?:sig|signature|x-amz-signature|x-goog-signature)=)[^&\s"'<>]+/gi, `$1${hidden}`],
  [new RegExp(`((?<![\\w-])--?[\\w-]{0,40}?(?:${words})[ \\t]{1,8})(?!-)(?:${value})`, 'gi'), `$1${hidden}`],
  [/((?<![\w-])(?:-u|--user)(?:[ \t]{1,8}|=)["']?(?!\d{1,9}:\d)[^\s:"']{1,128}:)[^\s"']+/g, `$1${hidden}`]
]
