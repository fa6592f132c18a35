import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { closestMatch } from 'leven'
import { InputError } from '../support/errors.ts'
import { oneLine } from '../support/text.ts'
import {
  type CommandName,
  choicesOf,
  commandNames,
  isCommand,
  type OptionName,
  options,
  shared,
  table
} from './command-table.ts'

export type Flags = ReturnType<typeof parse>['values']

export type CommandLine =
  | { kind: 'command'; command: CommandName; flags: Flags }
  /** Of one command, or of all. */
  | { kind: 'help'; command?: CommandName }
  | { kind: 'version' }

const parse = (args: string[]) => parseArgs({ args, options, allowPositionals: true })

/** Reads a command line. @throws InputError for an invalid one. */
export function commandLineOf(args: string[]): CommandLine {
  if (['--version', '-v'].includes(args.filter((arg) => arg !== '--json').join())) return { kind: 'version' }
  checkOptions(args)
  const { values: flags, positionals } = parse(args)
  const words = positionals[0] === 'help' ? positionals.slice(1) : positionals
  const [command, ...more] = words
  if (command === undefined) return { kind: 'help' }
  if (!isCommand(command)) throw usage(`${shown(command)} is not a command${meant(command, commandNames)}`)
  if (more[0] !== undefined) throw usage(`${command} takes no ${shown(more[0])}`)
  if (flags.help || positionals[0] === 'help') return { kind: 'help', command }
  const allowed: readonly string[] = [...table[command].takes, ...shared]
  const odd = Object.keys(flags).find((name) => !allowed.includes(name))
  if (odd) throw usage(`${command} does not take --${odd}`, command)
  return { kind: 'command', command, flags }
}

/** The parser's own words are for programmers. @throws InputError for an option that there is not, or whose value is missing. */
function checkOptions(args: string[]): void {
  const { tokens } = parseArgs({ args, options, allowPositionals: true, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    if (!isOption(name)) throw usage(`there is no option ${shown(rawName)}${meant(rawName, optionWords)}`)
    const option = options[name]
    if (option.type === 'boolean' && value !== undefined) throw usage(`${rawName} takes no value`)
    if (option.type === 'string' && (value === undefined || (!inlineValue && value.startsWith('-') && value !== '-')))
      throw usage(`${rawName} needs a value: ${rawName} ${option.value}`)
    const choices = choicesOf(name)
    if (value !== undefined && choices.length > 0 && !choices.includes(value))
      throw usage(`${rawName} takes ${choices.join(' or ')}, not ${shown(value)}`)
  }
}

const isOption = (name: string): name is OptionName => Object.hasOwn(options, name)

const optionWords = Object.keys(options).map((name) => `--${name}`)

/** "; did you mean rollback?" where a word is close to what there is. */
function meant(word: string, known: readonly string[]): string {
  const match = closestMatch(word.toLowerCase().slice(0, 40), known, { maxDistance: word.length > 5 ? 3 : 2 })
  return match ? `; did you mean ${match}?` : ''
}

const shown = (word: string): string => `"${oneLine(word, 60)}"`

/** @param command whose help says more. */
export const usage = (why: string, command?: CommandName): InputError =>
  new InputError({
    what: 'Invalid command line',
    why,
    next: command ? `Run pop-deploy-rollback help ${command}.` : 'Run pop-deploy-rollback --help.',
    code: 'usage'
  })

/** The folder that -C names. @throws InputError when there is none. */
export function folder(cwd: string, path: string): string {
  const found = resolve(cwd, path)
  if (statSync(found, { throwIfNoEntry: false })?.isDirectory()) return found
  throw usage(`-C takes a folder, and ${shown(path)} is none`)
}

/** The number in an option. @throws InputError when it is none, or more than `most`. */
export function numberOf(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (text.trim() !== '' && number >= 0 && number <= most) return number
  throw usage(`--${name} takes a number from 0 to ${most}, not ${shown(text)}`)
}
