import { parseArgs } from 'node:util'
import { InputError, messageOf } from '../support/errors.ts'

const options = {
  target: { type: 'string' },
  to: { type: 'string' },
  plan: { type: 'string' },
  accept: { type: 'string', multiple: true },
  investigate: { type: 'boolean' },
  rehearse: { type: 'boolean' },
  'with-config': { type: 'boolean' },
  freeze: { type: 'boolean' },
  until: { type: 'string' },
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
  auto: { type: 'boolean' },
  rollback: { type: 'string' },
  soak: { type: 'string' },
  severity: { type: 'string' },
  'root-cause': { type: 'string' },
  impact: { type: 'string' },
  notes: { type: 'string' },
  version: { type: 'string' },
  status: { type: 'string' },
  digest: { type: 'string' },
  commit: { type: 'string' },
  'duration-ms': { type: 'string' },
  error: { type: 'string' },
  force: { type: 'boolean' },
  for: { type: 'string' },
  yes: { type: 'boolean' },
  verbose: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' }
} as const

/** Which options each command takes. */
const taken = {
  init: ['yes'],
  assess: ['target', 'to', 'investigate', 'rehearse', 'with-config'],
  rollback: [
    'target',
    'to',
    'plan',
    'accept',
    'rehearse',
    'with-config',
    'freeze',
    'until',
    'reason',
    'dry-run',
    'auto'
  ],
  verify: ['rollback', 'target', 'soak'],
  report: ['rollback', 'target', 'severity', 'root-cause', 'impact', 'notes'],
  watch: ['target', 'for', 'auto'],
  list: ['target'],
  status: [],
  freeze: ['target', 'version', 'until', 'reason'],
  unfreeze: ['target', 'version'],
  record: ['target', 'rollback', 'version', 'status', 'digest', 'commit', 'duration-ms', 'error', 'force']
} as const

export type CommandName = keyof typeof taken
export type Flags = ReturnType<typeof parse>['values']

interface CommandLine {
  command: CommandName
  flags: Flags
}

const parse = (args: string[]) => parseArgs({ args, options, allowPositionals: true })

/** Reads a command line. @throws InputError for an invalid one. */
export function commandLineOf(args: string[]): CommandLine | 'help' | 'version' {
  if (args.filter((arg) => arg !== '--json').join() === '--version') return 'version'
  const { values, positionals } = parsed(args)
  if (values.help || args.length === 0 || positionals.join() === 'help') return 'help'
  const [command, ...more] = positionals
  if (!isCommand(command) || more.length > 0) throw usage(`"${positionals.join(' ')}" is not a command`)
  const allowed: readonly string[] = [...taken[command], 'verbose', 'json', 'help']
  const odd = Object.keys(values).find((name) => !allowed.includes(name))
  if (odd) throw usage(`${command} does not take --${odd}`)
  return { command, flags: values }
}

const isCommand = (word: string | undefined): word is CommandName => word !== undefined && Object.hasOwn(taken, word)

function parsed(args: string[]) {
  try {
    return parse(args)
  } catch (error) {
    throw usage(messageOf(error))
  }
}

const usage = (why: string): InputError =>
  new InputError({
    what: 'Invalid command line',
    why,
    next: 'Run pop-deploy-rollback --help.',
    code: 'usage'
  })

/** The number in an option. @throws InputError when it is not one. */
export function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (text.trim() !== '' && Number.isFinite(number) && number >= 0) return number
  throw usage(`--${name} takes a number, not "${text.slice(0, 40)}"`)
}
