/** The options of the command line. `value` is how the help shows what follows one; an option without it is a switch. */
export const options = {
  target: { type: 'string', value: 'T', says: 'a target of deploy.json; a,b or all: several as one' },
  to: { type: 'string', value: 'V', says: 'the version to go back to, in place of the recommended one' },
  plan: {
    type: 'string',
    value: 'ID',
    says: 'refuse unless the plan is still this one; also finishes or undoes an interrupted rollback, with --to its version'
  },
  accept: { type: 'string', multiple: true, value: 'RISK', says: 'accept this serious risk; may be given again' },
  investigate: { type: 'boolean', says: 'read logs and events, too' },
  rehearse: {
    type: 'boolean',
    says: 'start the candidate in isolation, and require it to be healthy before anything is stopped (Docker containers, Kubernetes)'
  },
  'with-config': {
    type: 'boolean',
    says: 'restore the environment and command, too, that the version had (Docker containers, Compose)'
  },
  freeze: { type: 'boolean', says: 'once it is done, freeze the version that was left' },
  until: { type: 'string', value: '24h|TIME', says: 'when the freeze ends by itself' },
  reason: { type: 'string', value: 'X', says: 'why it is frozen, for whoever deploys next' },
  'dry-run': { type: 'boolean', says: 'check every precondition and change nothing' },
  auto: {
    type: 'boolean',
    says: 'roll back unattended: only if the committed deploy.json says automatic: true for the target, the current version failed, a candidate is recommended and no serious risk is open; then verifies and writes the report'
  },
  rollback: { type: 'string', value: 'ID', says: 'a rollback, by its id' },
  soak: { type: 'string', value: 'SECONDS', says: 'how long every check must stay passed' },
  severity: {
    type: 'string',
    value: 'P1|P2|P3|P4',
    choices: ['P1', 'P2', 'P3', 'P4'],
    says: 'in place of the one that the evidence gives'
  },
  'root-cause': { type: 'string', value: 'X', says: 'why it failed' },
  impact: { type: 'string', value: 'X', says: 'what users saw' },
  notes: { type: 'string', value: 'X', says: 'what else is to be in the report' },
  version: { type: 'string', value: 'V', says: 'the version that is meant' },
  status: { type: 'string', value: 'success|failed', choices: ['success', 'failed'], says: 'how its deployment ended' },
  digest: { type: 'string', value: 'D', says: 'its exact identity' },
  commit: { type: 'string', value: 'C', says: 'the commit that it was built from' },
  'duration-ms': { type: 'string', value: 'N', says: 'how long the deployment took' },
  error: { type: 'string', value: 'X', says: 'what it ended with' },
  force: { type: 'boolean', says: 'record a success that the target does not show, or of a frozen version' },
  for: { type: 'string', value: '15m', says: 'how long it is watched' },
  yes: { type: 'boolean', says: 'ask nothing' },
  verbose: { type: 'boolean', says: 'show everything, the id of the plan included' },
  json: { type: 'boolean', says: 'print one JSON object' },
  directory: { type: 'string', short: 'C', value: 'DIR', says: 'the project, in place of the current folder' },
  help: { type: 'boolean', short: 'h', says: 'show what a command does' }
} as const

export type OptionName = keyof typeof options

/** The only values that an option takes; empty where it takes any. */
export function choicesOf(name: OptionName): readonly string[] {
  const option = options[name]
  return 'choices' in option ? option.choices : []
}

interface CommandEntry {
  says: string
  takes: readonly OptionName[]
  example: string
  more?: string
}

/** What every command takes besides. */
export const shared: readonly OptionName[] = ['verbose', 'json', 'directory', 'help']

/** The commands of the command line, in the order in which the help lists them. */
export const table = {
  status: { says: 'what serves on each target, in a line', takes: [], example: 'status' },
  assess: {
    says: 'what is wrong, what to go back to, at what risk; changes nothing',
    takes: ['target', 'to', 'investigate', 'rehearse', 'with-config'],
    example: 'assess --target docker --investigate'
  },
  rollback: {
    says: 'shows the plan, asks on the terminal, and goes back',
    takes: [
      'target',
      'to',
      'accept',
      'rehearse',
      'with-config',
      'freeze',
      'until',
      'reason',
      'dry-run',
      'auto',
      'plan'
    ],
    example: 'rollback --target docker --to 1.4.1',
    more: 'Without a terminal it changes nothing, except with --auto.'
  },
  verify: {
    says: 'whether a version serves as it should',
    takes: ['rollback', 'target', 'soak'],
    example: 'verify --target docker --soak 60'
  },
  report: {
    says: 'writes the incident report',
    takes: ['rollback', 'target', 'severity', 'root-cause', 'impact', 'notes'],
    example: 'report --target docker --impact "No checkout for two minutes"'
  },
  list: { says: 'the versions of a target, best first', takes: ['target'], example: 'list --target docker' },
  watch: {
    says: 'after a deployment: follows health and signals, and records how it served',
    takes: ['target', 'for', 'auto'],
    example: 'watch --target docker --for 15m',
    more: 'It ends with 0 when the version served well for the whole time, and records it; with 1 when it failed. Signals: docs/signals.md.'
  },
  record: {
    says: 'records a deployment, or with --rollback a manual rollback once a person has done it',
    takes: ['target', 'version', 'status', 'digest', 'commit', 'duration-ms', 'error', 'rollback', 'force'],
    example: 'record --target docker --version 1.4.1 --status success'
  },
  freeze: {
    says: 'keeps a bad version from being deployed again',
    takes: ['target', 'version', 'until', 'reason'],
    example: 'freeze --target docker --version 1.4.2 --until 24h'
  },
  unfreeze: { says: 'ends that', takes: ['target', 'version'], example: 'unfreeze --target docker --version 1.4.2' },
  init: {
    says: 'writes deploy.json from what is found, and records what serves now',
    takes: ['yes'],
    example: 'init'
  }
} as const satisfies Record<string, CommandEntry>

export type CommandName = keyof typeof table

export const commandNames = Object.keys(table)

export const isCommand = (word: string | undefined): word is CommandName =>
  word !== undefined && Object.hasOwn(table, word)
