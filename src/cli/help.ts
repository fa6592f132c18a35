import { type CommandName, commandNames, isCommand, options, shared, table } from './command-table.ts'

const program = 'pop-deploy-rollback'

const exitCodes = `Exit codes: 0 done or healthy; 1 the rollback did not succeed, or unhealthy; 2 not possible as asked, or declined;
3 configuration or credentials; 4 the target refused or failed; 5 unverified, inconclusive, or a manual step remains;
6 a condition of --auto is not met, nothing was changed; 70 a fault of this program.`

/** What there is, a line for each command. */
export const help = (): string =>
  [
    'Takes a failed deployment back to the last good version, and verifies that it serves.',
    '',
    ...commandNames.filter(isCommand).map((name) => line(name, table[name].says)),
    line('completion SHELL', 'prints what completes commands, targets and versions in bash, zsh or fish'),
    line('serve', 'the MCP server, over stdin and stdout'),
    line('help COMMAND', 'the options of a command, and an example'),
    line('-v, --version', 'the version of this program'),
    '',
    'Each command takes -C DIR (the project, in place of the current folder), --verbose, and --json (one JSON object).',
    'Progress goes to stderr.',
    '',
    exitCodes
  ].join('\n')

/** The options of one command, and an example. */
export function helpOf(command: CommandName): string {
  const { says, takes, example, ...rest } = table[command]
  return [
    `${program} ${command}: ${says}.${'more' in rest ? ` ${rest.more}` : ''}`,
    '',
    ...[...takes, ...shared].map((name) => line(wordOf(name), options[name].says)),
    '',
    `For example: ${program} ${example}`,
    '',
    exitCodes
  ].join('\n')
}

function wordOf(name: keyof typeof options): string {
  const option = options[name]
  const short = 'short' in option ? `-${option.short}, ` : ''
  return `${short}--${name}${'value' in option ? ` ${option.value}` : ''}`
}

const line = (word: string, says: string): string => `  ${word.padEnd(24)}  ${says}`
