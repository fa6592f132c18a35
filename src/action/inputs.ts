import { resolve } from 'node:path'

/** What a workflow asks for. */
export interface Inputs {
  mode: 'record' | 'watch' | 'rollback'
  /** The arguments of the command that does it; null when there is nothing to do. */
  command: string[] | null
  /** Why there is nothing to do. */
  idle: string
  /** The folder that holds .claude/popkit/deploy.json. */
  projectDir: string
  /** The branch that keeps the history; empty to keep none. */
  branch: string
}

/** A workflow that asks for something impossible: its message is for whoever wrote it. */
export class InvalidInput extends Error {}

const statuses: Record<string, string> = { success: 'success', failure: 'failed', failed: 'failed' }

/**
 * Reads what action.yml passes on as variables, with the defaults that the runner's own variables give.
 * @throws InvalidInput naming the input.
 */
export function inputsOf(env: NodeJS.ProcessEnv): Inputs {
  const given = (name: string): string => env[`INPUT_${name}`]?.trim() ?? ''
  const mode = given('MODE')
  if (mode !== 'record' && mode !== 'watch' && mode !== 'rollback')
    throw new InvalidInput(`mode is "${mode}". Write record, watch or rollback.`)
  const target = given('TARGET')
  const shared = {
    mode,
    projectDir: resolve(env.GITHUB_WORKSPACE ?? '.', given('WORKING_DIRECTORY')),
    branch: branchOf(given('HISTORY_BRANCH'))
  } as const
  const on = target ? ['--target', target] : []
  if (mode === 'rollback') return { ...shared, command: ['rollback', ...on, '--auto'], idle: '' }
  if (mode === 'watch') {
    const auto = given('AUTO') === 'true' ? ['--auto'] : []
    return { ...shared, command: ['watch', ...on, '--for', given('FOR') || '15m', ...auto], idle: '' }
  }
  if (!target) throw new InvalidInput('target is missing. Name the target of deploy.json that was deployed.')
  const status = statuses[given('STATUS')]
  if (!status) return { ...shared, command: null, idle: `the status is "${given('STATUS')}": nothing was deployed` }
  const version = given('VERSION') || (env.GITHUB_REF_NAME ?? '').replace(/^v(?=\d)/, '')
  if (!version)
    throw new InvalidInput('version is missing, and GITHUB_REF_NAME is not set. Write the version that was deployed.')
  const commit = env.GITHUB_SHA ? ['--commit', env.GITHUB_SHA] : []
  const error = status === 'failed' && given('ERROR') ? ['--error', given('ERROR')] : []
  return {
    ...shared,
    command: ['record', ...on, '--version', version, '--status', status, ...commit, ...error],
    idle: ''
  }
}

function branchOf(name: string): string {
  if (/^$|^[A-Za-z0-9][\w/-]*$/.test(name)) return name
  throw new InvalidInput(`history-branch is "${name}". Use letters, digits, "-", "_" and "/".`)
}
