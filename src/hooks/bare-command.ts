import { deployTools } from './deploy-tools.ts'

/** What a command comes down to once wrappers are taken off: a program with its arguments, or the text that a shell is given. */
type Bare = { words: string[] } | { script: string }

const nothing: Bare = { words: [] }

/** Programs that run the command among their arguments; with a second word where it is a subcommand that does. */
const wrapper = new RegExp(
  `^(?:${[
    'sudo|doas|env|time|exec|nice|ionice|stdbuf|g?timeout|flock|xargs|caffeinate|nohup|setsid|command|builtin|unbuffer',
    '(?:ba|z|da|k|a)?sh|dotenvx?|corepack|npx|pnpx|bunx|uvx|uv tool run',
    '(?:dotenvx|doppler|op|infisical|teller|volta|uv|pipx|poetry|pipenv|pdm|hatch|rye|yarn) run',
    '(?:aws-vault|chamber|direnv) exec \\S+|(?:mise|fnm|asdf|npm|pnpm|yarn|bundle) exec|(?:mise|npm|bun) x|(?:pnpm|yarn) dlx'
  ].join('|')})$`
)

/** Programs that are given a file of their own language, or with some options its text. */
const interpreter = /^(python[\d.]*|pypy3?|py|node|ruby)$/
const textOption = /^-(c|e|p|pe)$|^--(eval|print)$/
/** Options that a text for a shell comes after. */
const scriptOption = /^(-[a-z]*c|-S|--command|--call|--split-string)$/
const assignment = /^\w+\+?=/

export const popkitScript = 'execute_deployment.py'

const deployers = new Set([
  popkitScript,
  ...Object.values(deployTools).flatMap(({ commands, weakCommands = [], aliases = {} }) =>
    [...commands, ...weakCommands, ...Object.keys(aliases)].map((command) => command.split(' ')[0])
  )
])
const isDeployer = (word = ''): boolean => deployers.has(programOf(word))

const deepest = 10

/** Takes a command's words; gives what it runs in the end. No words mean that it runs nothing that can be told. */
export function bareCommand(given: readonly string[]): Bare {
  let words = withoutAssignments(given)
  for (let depth = 0; depth < deepest && words.length > 0; depth++) {
    const inner = insideOf(words)
    if (!inner) return { words: [programOf(words[0] ?? ''), ...words.slice(1)] }
    if ('script' in inner) return inner
    words = withoutAssignments(inner.words)
  }
  return nothing
}

function withoutAssignments(words: readonly string[]): string[] {
  const start = words.findIndex((word) => !assignment.test(word))
  return start < 0 ? [] : words.slice(start)
}

/** What a wrapper runs; null for a program that is none. */
function insideOf([first = '', ...args]: readonly string[]): Bare | null {
  const program = programOf(first)
  if (program === 'command' && /^-[vV]/.test(args[0] ?? '')) return nothing
  if (program === 'eval') return { script: args.join(' ') }
  if (program === 'ssh' || program === 'su')
    return { script: args.find((arg) => /\s/.test(arg)) ?? args.slice(args.findLastIndex(isDeployer)).join(' ') }
  if (interpreter.test(program)) return args.some((arg) => textOption.test(arg)) ? nothing : commandAmong(args)
  const more = [2, 1, 0].find((count) => wrapper.test([program, ...args.slice(0, count)].join(' ')))
  return more === undefined ? null : commandAmong(args.slice(more))
}

/** A program without its folder, the extension that Windows gives it, and the version after its name (`vercel@latest`). */
function programOf(word: string): string {
  const file = word.replace(/^.*[/\\](?=.)/, '').replace(/\.(exe|cmd)$/i, '')
  return file.replace(/(?<=.)@[\w.^~-]+$/, '')
}

/** What comes after an option may be its value, unless a program that deploys has that name; so may a number and a path. */
function commandAmong(args: readonly string[]): Bare {
  for (const [at, arg] of args.entries()) {
    const before = args[at - 1] ?? ''
    if (arg === '--') return { words: args.slice(at + 1) }
    if (/\s/.test(arg) && scriptOption.test(before)) return { script: arg }
    if (arg.startsWith('-') || assignment.test(arg)) continue
    const mayBeValue = before.startsWith('-') || /^[\d/.]/.test(arg)
    if (isDeployer(arg) ? !isDeployer(args[at + 1]) : !mayBeValue) return { words: args.slice(at) }
  }
  return nothing
}
