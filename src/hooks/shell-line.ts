import {
  type AndOr,
  type Command,
  type CommandNode,
  type CompoundList,
  type Function as FunctionNode,
  forEachChild,
  type If,
  type Pipeline,
  type PipelineNode,
  parse,
  type Statement,
  type SyntaxNode,
  type While
} from 'unbash'
import { bareCommand } from './bare-command.ts'

/** A command that a shell line runs, and what the line's exit code tells of it. */
interface Run {
  words: string[]
  /** The line may end well although this command failed. */
  masked: boolean
  /** The line may end badly although this command did not, or before it ran. */
  unsure: boolean
  /** Nothing else on the line writes what could be taken for its words. */
  ownOutput: boolean
  /** The line has no other command. */
  alone: boolean
}

interface Place {
  masked: boolean
  unsure: boolean
  /** What it is piped together with. */
  pipeline: object
  /** Its exit code only decides which way the line goes. */
  condition?: boolean
}

type FunctionBody = FunctionNode['body']
type Compound = Exclude<CommandNode, Command | If>

type Found = Pick<Run, 'words' | 'masked' | 'unsure'> & { pipeline: object }

const deepest = 8
const most = 500

/** Reads a shell line without expanding anything; gives the commands that it runs, in order, without what wraps them. */
export function runsIn(line: string): Run[] {
  const found: Found[] = []
  new Reader(found).statements(parse(line).commands, { masked: false, unsure: false, pipeline: {} })
  const loud = found.filter(({ words }) => !isQuiet(words))
  const loudIn = new Map<object, number>()
  for (const { pipeline } of loud) loudIn.set(pipeline, (loudIn.get(pipeline) ?? 0) + 1)
  return found.map(({ words, masked, unsure, pipeline }) => ({
    words,
    masked,
    unsure,
    ownOutput: loud.length === (loudIn.get(pipeline) ?? 0),
    alone: found.length === 1 && !masked && !unsure
  }))
}

class Reader {
  /** `set -e` and `set -o pipefail`, from where they stand on. */
  private errexit = false
  private pipefail = false
  private nesting = 0
  private readonly functions = new Map<string, FunctionBody>()
  private readonly found: Found[]
  private readonly depth: number

  constructor(found: Found[], depth = 0) {
    this.found = found
    this.depth = depth
  }

  statements(list: readonly Statement[], place: Place): void {
    let mayStop = false
    for (const [index, { command, background }] of list.entries()) {
      const last = index === list.length - 1
      const by = list.length > 1 ? { ...place, pipeline: {} } : place
      const stops = this.errexit
      if (background) this.node(command, { ...by, masked: true, unsure: true })
      else if (stops) this.node(command, { ...by, unsure: by.unsure || mayStop })
      else this.node(command, { ...by, masked: by.masked || !last, unsure: by.unsure || !last })
      mayStop ||= stops && canFail(command)
    }
  }

  private node(node: PipelineNode | AndOr | CompoundList, place: Place): void {
    if (this.found.length >= most) return
    if (node.type === 'Command') this.command(node, place)
    else if (node.type === 'AndOr') this.andOr(node, place)
    else if (node.type === 'Pipeline') this.pipeline(node, place)
    else if (node.type === 'If') this.conditional(node, place)
    else this.compound(node, place)
  }

  private compound(node: Compound | CompoundList, place: Place): void {
    if (node.type === 'CompoundList') this.statements(node.commands, place)
    else if (node.type === 'Redirected') this.node(node.command, place)
    else if (node.type === 'Case') for (const { body } of node.items) this.statements(body.commands, place)
    else if (node.type === 'Function') this.functions.set(node.name.value, node.body)
    else if (node.type === 'Coproc') this.node(node.body, { ...place, masked: true, unsure: true })
    else if (node.type === 'While') this.loop(node, place)
    else if ('body' in node && typeof node.body === 'object')
      // of a loop only the last round decides
      this.statements(node.body.commands, { ...place, masked: place.masked || /^(For|Arith|Select)/.test(node.type) })
  }

  private loop({ clause, body }: While, place: Place): void {
    const test = { ...place, masked: true, unsure: place.unsure || canFail(body), condition: true }
    this.statements(clause.commands, test)
    this.statements(body.commands, { ...place, masked: true })
  }

  private andOr({ commands, operators }: AndOr, place: Place): void {
    let mayStop = false
    for (const [index, command] of commands.entries()) {
      const rescue = operators.indexOf('||', index)
      this.node(command, {
        ...place,
        pipeline: {},
        masked: place.masked || (rescue >= 0 && !endsBadly(commands[rescue + 1])),
        unsure: place.unsure || (mayStop && operators[index - 1] === '&&')
      })
      mayStop ||= canFail(command)
    }
  }

  private pipeline(pipeline: Pipeline, place: Place): void {
    const { commands, prefixes } = pipeline
    const negated = isNegated(pipeline) && !place.condition
    const failing = this.pipefail ? commands.filter(canFail) : []
    for (const [index, command] of commands.entries()) {
      const hidden = index < commands.length - 1 && !this.pipefail
      this.node(command, {
        masked: place.masked || negated || hidden,
        unsure: place.unsure || negated || hidden || failing.some((other) => other !== command),
        pipeline: commands.length > 1 || prefixes.length > 0 ? pipeline : place.pipeline
      })
    }
  }

  private conditional({ clause, then, elif, else: otherwise }: If, place: Place): void {
    const test = clause.commands.at(-1)?.command
    const whenTrue = [then]
    const whenFalse = [...elif, ...(otherwise ? [otherwise] : [])]
    const [good, bad] = test && isNegated(test) ? [whenFalse, whenTrue] : [whenTrue, whenFalse]
    this.statements(clause.commands, {
      ...place,
      masked: place.masked || !bad.some(endsBadly),
      unsure: place.unsure || good.some(canFail),
      condition: true
    })
    for (const list of [then, ...elif.flatMap((branch) => [branch.clause, branch.then])])
      this.statements(list.commands, place)
    if (otherwise) this.statements(otherwise.commands, place)
  }

  private command(command: Command, place: Place): void {
    const words = wordsOf(command)
    // an assignment's exit code is that of the command in it; any other command has its own
    this.substitutions(command, words.length === 0 ? place : { ...place, masked: true, unsure: true, pipeline: {} })
    const bare = bareCommand(words)
    if ('script' in bare) {
      if (this.depth < deepest) new Reader(this.found, this.depth + 1).statements(parse(bare.script).commands, place)
      return
    }
    const [program = ''] = bare.words
    if (program === 'set') this.set(bare.words.slice(1))
    const body = this.functions.get(program)
    if (body) this.call(program, body, place)
    else if (bare.words.length > 0) this.found.push({ ...place, words: bare.words })
  }

  private call(name: string, body: FunctionBody, place: Place): void {
    // once is enough to see what it runs
    this.functions.delete(name)
    this.node(body, place)
  }

  private set(args: readonly string[]): void {
    for (const [index, arg] of args.entries()) {
      if (/^-[a-z]*e/.test(arg) || (arg === 'errexit' && args[index - 1]?.startsWith('-'))) this.errexit = true
      if (/^\+[a-z]*e/.test(arg)) this.errexit = false
      if (arg === 'pipefail') this.pipefail = args[index - 1]?.startsWith('-') ?? false
    }
  }

  /** Commands in `$(…)` and `<(…)`; each level of them is parsed by itself. */
  private substitutions(node: SyntaxNode, place: Place, depth = 0): void {
    if (depth > deepest || this.nesting > deepest) return
    forEachChild(node, (child) => {
      if (child.type !== 'Script') return this.substitutions(child, place, depth + 1)
      this.nesting++
      this.statements(child.commands, place)
      this.nesting--
    })
  }
}

const wordsOf = ({ name, args }: Command): string[] =>
  name ? [name.value, ...args.map((arg) => (arg.type === 'Word' ? arg.value : arg.text))] : []

const isNegated = (node: SyntaxNode): boolean =>
  node.type === 'Pipeline' && node.prefixes.filter(({ type }) => type === 'Negation').length % 2 === 1

/** Commands that as good as never fail, and print nothing that could be taken for a failed deployment. */
const quiet = new Set(
  `cd pushd popd echo printf export declare local readonly unset set shopt umask trap alias source . : true exit return sleep wait
  read test [ mkdir pwd date clear cat tee head tail less sort uniq wc ls which type`.split(/\s+/)
)

const isQuiet = ([program = '']: readonly string[]): boolean => quiet.has(program)

const canFail = (node: SyntaxNode): boolean => commandsIn(node).some((words) => words.length > 0 && !isQuiet(words))

/** Whether a branch ends with a failure of its own. */
function endsBadly(node: SyntaxNode | undefined): boolean {
  const [program = '', code] = (node && commandsIn(node).at(-1)) ?? []
  return program === 'false' || (/^(exit|return)$/.test(program) && code !== '0')
}

function commandsIn(node: SyntaxNode): string[][] {
  if (node.type === 'Command') return [wordsOf(node)]
  const found: string[][] = []
  forEachChild(node, (child) => found.push(...commandsIn(child)))
  return found
}
