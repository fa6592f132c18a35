import { readDeployFile } from '../project/deploy-file.ts'
import { findProject, projectPaths } from '../project/paths.ts'
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

const asked = 'pop-deploy-rollback complete --'

/** What a shell reads once; it asks this program for each completion. */
export const completionScripts: Record<string, string> = {
  bash: `_pop_deploy_rollback() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(${asked} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _pop_deploy_rollback pop-deploy-rollback`,
  zsh: `#compdef pop-deploy-rollback
_pop_deploy_rollback() {
  local -a found
  found=("\${(@f)$(${asked} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -- $found
}
compdef _pop_deploy_rollback pop-deploy-rollback`,
  fish: `complete -c pop-deploy-rollback -f -a '(${asked} (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`
}

/** What may stand in place of the last of the words that follow the program's name; asks no target. Never throws. */
export async function completions(words: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<string[]> {
  const last = words.at(-1) ?? ''
  const [command] = words.slice(0, -1).filter((word) => !word.startsWith('-'))
  const found = await candidates(words, command, env, cwd).catch(() => [])
  return found.filter((word) => word.startsWith(last))
}

async function candidates(words: readonly string[], command: string | undefined, env: NodeJS.ProcessEnv, cwd: string) {
  if (words.length <= 1) return [...commandNames, 'completion', 'help', 'serve']
  if (command === 'completion') return Object.keys(completionScripts)
  if (command === 'help') return commandNames
  const before = words.at(-2)?.replace(/^--/, '')
  if (before !== undefined && words.at(-2)?.startsWith('--') && isValued(before))
    return valuesOf(before, words, env, cwd)
  return isCommand(command) ? optionsOf(command).filter((option) => !words.slice(0, -1).includes(option)) : []
}

const optionsOf = (command: CommandName): string[] => [...table[command].takes, ...shared].map((name) => `--${name}`)

const isValued = (name: string): name is OptionName =>
  Object.hasOwn(options, name) && 'value' in options[name as OptionName]

/** From deploy.json alone, so that a key press asks no engine and no cluster. */
async function valuesOf(
  option: OptionName,
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string
): Promise<readonly string[]> {
  if (option !== 'target' && option !== 'to' && option !== 'version') return choicesOf(option)
  const file = await readDeployFile(projectPaths(findProject({ env, cwd })), env)
  if (!file) return []
  if (option === 'target') return [...file.targets.keys(), 'all']
  const target = words[words.indexOf('--target') + 1]
  const records = file.records.filter((record) => !words.includes('--target') || record.target === target)
  return [...new Set(records.map(({ version }) => version))]
}
