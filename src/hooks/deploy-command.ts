import { bareCommand, simpleCommands } from './shell-line.ts'

interface Rule {
  programs: RegExp
  /** Words that stand in this order among the arguments. */
  words?: string[]
  /** The first argument that is no option, where there may be none. */
  first?: RegExp
  /** Arguments that make it something else. */
  not?: RegExp
  label?: string
  types: string[]
  /** Often no deployment at all. */
  weak?: true
}

const docker = ['docker']
const kubernetes = ['kubernetes']

const rules: readonly Rule[] = [
  { programs: /^docker$/, words: ['compose', 'up'], types: docker },
  { programs: /^docker-compose$/, words: ['up'], types: docker },
  { programs: /^docker$/, words: ['stack', 'deploy'], types: docker },
  { programs: /^docker$/, words: ['service', 'update'], types: docker },
  { programs: /^docker$/, words: ['run'], not: /^compose$/, types: docker, weak: true },
  { programs: /^kamal$/, first: /^(deploy|redeploy|setup)$/, types: docker },
  { programs: /^kubectl$/, words: ['rollout', 'status'], types: kubernetes },
  { programs: /^kubectl$/, words: ['rollout', 'restart'], types: kubernetes },
  { programs: /^kubectl$/, words: ['set', 'image'], types: kubernetes },
  { programs: /^kubectl$/, words: ['apply'], types: kubernetes },
  { programs: /^helm$/, words: ['upgrade'], types: kubernetes },
  { programs: /^helm$/, words: ['install'], types: kubernetes },
  { programs: /^yarn$/, words: ['npm', 'publish'], types: ['npm'] },
  { programs: /^(npm|pnpm|yarn|bun|lerna|changeset)$/, words: ['publish'], types: ['npm'] },
  { programs: /^(vercel|vc)$/, first: /^(deploy|promote|redeploy|$|[./~])/, label: 'vercel', types: ['vercel'] },
  { programs: /^(netlify|ntl)$/, first: /^deploy$/, label: 'netlify deploy', types: ['netlify'] },
  { programs: /^gh$/, words: ['release', 'create'], types: ['github_releases'] },
  { programs: /^gh$/, words: ['release', 'edit'], types: ['github_releases'] },
  { programs: /^gh$/, words: ['release', 'upload'], types: ['github_releases'] },
  { programs: /^twine$/, words: ['upload'], types: ['pypi'] },
  { programs: /^(uv|poetry|hatch|flit|pdm)$/, words: ['publish'], types: ['pypi'] }
]

const notReally = /^(--dry-run(=.*)?|--help|-h|--version)$/

interface Recognized {
  /** Program and subcommand, never what a user passed. */
  label: string
  /** Types of the targets it may deploy to, empty when any. */
  types: string[]
  weak: boolean
}

export interface DeployCommand extends Recognized {
  /** Nothing else stands on the line. */
  alone: boolean
  /** Its exit code does not decide about the line's. */
  masked: boolean
}

const worthALook = /deploy|compose|docker|kubectl|helm|publish|vercel|\bvc\b|netlify|\bntl\b|release|kamal|upload/

const longest = 8_000

/** Finds the first deploy command on a shell line, near its beginning. */
export function deployCommandIn(line: string): DeployCommand | null {
  if (!worthALook.test(line)) return null
  const commands = simpleCommands(line.slice(0, longest))
  for (const [index, { words }] of commands.entries()) {
    const found = recognized(bareCommand(words))
    if (!found) continue
    const masked = commands.slice(index).some(({ before }) => before !== '' && before !== '&&')
    return { ...found, alone: found.alone && commands.length === 1, masked: found.masked || masked }
  }
  return null
}

function recognized(words: string[]): DeployCommand | null {
  const script = scriptOf(words)
  if (script !== null) return deployCommandIn(script)
  const found = matching(words)
  return found && { ...found, alone: true, masked: false }
}

function matching([program = '', ...args]: string[]): Recognized | null {
  if (args.some((arg) => notReally.test(arg))) return null
  if (args.concat(program).some((word) => /(^|\/)execute_deployment\.py$/.test(word))) return popkit(args)
  const plainArgs = args.filter((arg) => !arg.startsWith('-'))
  const rule = rules.find(
    ({ programs, words, first, not }) =>
      programs.test(program) &&
      (!words || inOrder(words, plainArgs)) &&
      (!first || first.test(plainArgs[0] ?? '')) &&
      !(not && plainArgs.some((arg) => not.test(arg)))
  )
  if (!rule) return null
  const label = rule.label ?? [program, ...(rule.words ?? [plainArgs[0] ?? ''])].join(' ')
  return { label, types: rule.types, weak: rule.weak ?? false }
}

/** popkit's own script names its target. */
function popkit(args: string[]): Recognized {
  const named = args[args.indexOf('--target') + 1]
  const target = args.includes('--target') && named && /^[a-z_]{1,40}$/.test(named) ? [named] : []
  return { label: 'execute_deployment.py', types: target, weak: false }
}

/** What `sh -c` runs. */
const scriptOf = ([program = '', ...args]: string[]): string | null => {
  const at = args.findIndex((arg) => /^-[a-z]*c$/.test(arg))
  return /^(ba|z|da)?sh$/.test(program) && at >= 0 ? (args[at + 1] ?? null) : null
}

function inOrder(words: readonly string[], args: readonly string[]): boolean {
  let from = 0
  return words.every((word) => {
    from = args.indexOf(word, from) + 1
    return from > 0
  })
}
