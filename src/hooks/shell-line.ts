/** One command of a shell line, and the operator it stands before: `&&`, `||`, `;`, `|`, `&`, or nothing. */
export interface SimpleCommand {
  words: string[]
  before: string
}

const heredoc = /<<-?\s*(['"]?)(\w+)\1[^\n]*\n[\s\S]*?\n\s*\2(?=\n|$)/g
const token =
  /\\\n|\s*(&&|\|\||\|&|[;|\n]|(?<![<>])&(?![<>]))\s*|(?:[^\s;|&"'\\]|\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'[^']*'|(?<=[<>])&|&(?=[<>]))+/g

/** Splits a shell line into its commands. Good enough to recognize programs by; it expands nothing. */
export function simpleCommands(line: string): SimpleCommand[] {
  const commands: SimpleCommand[] = []
  let words: string[] = []
  for (const found of line.replace(heredoc, '').matchAll(token)) {
    const [whole, operator] = found
    if (operator === undefined) {
      if (whole !== '\\\n') words.push(unquoted(whole))
    } else if (words.length > 0) {
      commands.push({ words, before: operator === '\n' ? ';' : operator })
      words = []
    }
  }
  if (words.length > 0) commands.push({ words, before: '' })
  const last = commands.at(-1)
  if (last?.before === ';') last.before = ''
  return commands
}

const unquoted = (word: string): string => word.replace(/\\([\s\S])|["']/g, '$1')

const wrappers = new Set([
  'sudo',
  'env',
  'time',
  'nohup',
  'exec',
  'command',
  'timeout',
  'nice',
  'stdbuf',
  '!',
  '{',
  '('
])
const runners =
  /^(npx|bunx|pnpx)$|^(npm exec|pnpm dlx|pnpm exec|yarn dlx|yarn exec|yarn run|bun x|uv run|poetry run|python3? -m|bundle exec)$/

/** The command without assignments, wrappers such as sudo, package runners and the program's folder. */
export function bareCommand(words: readonly string[]): string[] {
  const rest = [...words]
  for (;;) {
    const [first = '', second = ''] = rest
    if (/^\(?\w+=/.test(first) || wrappers.has(first)) rest.shift()
    else if (/^-/.test(first) || /^\d+[smh]?$/.test(first)) rest.shift()
    else if (runners.test(first)) rest.shift()
    else if (runners.test(`${first} ${second}`)) rest.splice(0, 2)
    else break
    if (rest.length === 0) return []
  }
  rest[0] = (rest[0] ?? '')
    .replace(/^\(+/, '')
    .replace(/^.*\//, '')
    .replace(/(?<=.)@[\w.^~-]+$/, '')
  return rest
}
