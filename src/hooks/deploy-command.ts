import { popkitScript } from './bare-command.ts'
import { deployTools } from './deploy-tools.ts'
import { runsIn } from './shell-line.ts'

/** A program that deploys to one type of target. */
interface Program {
  type: string
  names: string[]
  /** Its options that take the word after them. */
  valued: string[]
  /** Subcommands, the longest first; one without words is the program by itself, or with a path. */
  deploys: { words: string[]; weak: boolean }[]
}

interface Recognized {
  /** Program and subcommand, never what a user passed. */
  label: string
  /** Types of the targets it may deploy to, empty when any. */
  types: string[]
  weak: boolean
}

/** A deploy command on a line, with what the line's exit code and output tell of it; see Run. */
interface DeployCommand extends Recognized {
  alone: boolean
  masked: boolean
  unsure: boolean
  ownOutput: boolean
}

const programs: Program[] = Object.entries(deployTools).flatMap(
  ([type, { commands, weakCommands = [], aliases = {}, options = {} }]) => {
    const deploys = [...commands, ...weakCommands].map((command) => {
      const [name = '', ...words] = command.split(' ')
      return { name, words, weak: weakCommands.includes(command) }
    })
    return [...new Set(deploys.map(({ name }) => name))].map((name) => ({
      type,
      names: [name, ...Object.keys(aliases).filter((alias) => aliases[alias] === name)],
      valued: Object.entries(options).flatMap(([of, valued]) =>
        of.split(' ').includes(name) ? valued.split(' ') : []
      ),
      deploys: deploys.filter((deploy) => deploy.name === name).sort((a, b) => b.words.length - a.words.length)
    }))
  }
)

const longest = 50_000

/** Finds the deploy command that a shell line runs: the first that is surely one. */
export function deployCommandIn(line: string): DeployCommand | null {
  if (!mayDeploy(line)) return null
  const found = runsIn(line.slice(0, longest)).flatMap(({ words, ...run }) => {
    const deploy = recognized(words)
    return deploy ? [{ ...deploy, ...run }] : []
  })
  return found.find(({ weak }) => !weak) ?? found[0] ?? null
}

/** A quick look, for most lines of a session deploy nothing. */
const mayDeploy = (line: string): boolean =>
  line.includes(popkitScript) ||
  programs.some(
    ({ names, deploys }) =>
      names.some((name) => line.includes(name)) &&
      deploys.some(({ words }) => words.every((word) => line.includes(word)))
  )

function recognized([given = '', ...args]: readonly string[]): Recognized | null {
  if (changesNothing(args)) return null
  if (given === popkitScript) return popkit(args)
  const program = programs.find(({ names }) => names.includes(given))
  if (!program) return null
  const leading = leadingWords(program, args)
  const deploy = program.deploys.find(({ words }) =>
    words.length > 0 ? words.every((word, index) => word === leading[index]) : /^($|[./~])/.test(leading[0] ?? '')
  )
  if (!deploy) return null
  // a program that deploys by itself is called by its name, whatever the subcommand
  const byItself = program.deploys.some(({ words }) => words.length === 0)
  const label = [program.names[0], ...(byItself ? [] : deploy.words)].join(' ')
  return { label, types: [program.type], weak: deploy.weak }
}

const changesNothing = (args: readonly string[]): boolean =>
  args.some((arg) => /^--dry-run(=(?!none|false).*)?$|^--help$/.test(arg)) ||
  args.at(-1) === '-h' ||
  args[0] === '--version'

/** The arguments that are neither options nor their values. */
const leadingWords = ({ valued }: Program, args: readonly string[]): string[] =>
  args.filter((arg, index) => !arg.startsWith('-') && !valued.includes(args[index - 1] ?? ''))

/** popkit's own script names its target. */
function popkit(args: readonly string[]): Recognized {
  const named = args[args.indexOf('--target') + 1]
  const target = args.includes('--target') && named && /^[a-z_]{1,40}$/.test(named) ? [named] : []
  return { label: popkitScript, types: target, weak: false }
}

/**
 * Whether the output of a line with a deploy command says that this failed, in the words of that kind of tool. Where other commands
 * wrote to it as well, only words that none but such a tool says count.
 */
export function showsFailure(types: readonly string[], output: string, ownOutput: boolean): boolean {
  const tail = output.slice(-20_000)
  const names = types.length > 0 ? types : Object.keys(deployTools)
  return names.some((name) => deployTools[name]?.failure[ownOutput ? 'own' : 'anywhere'].test(tail) ?? false)
}
