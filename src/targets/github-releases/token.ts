import { fromPlugin, fromVariable, type TokenSource } from '../../http/credentials.ts'
import { runProgram } from '../../support/run-program.ts'
import { type Addresses, addressesFrom } from './address.ts'

/**
 * Where a token for this GitHub may come from: the plugin's configuration, the variables that gh reads for github.com or for a
 * server of one's own (cli.github.com/manual/gh_help_environment), then gh's login, which it keeps in a keyring or a file.
 */
export function tokenSources(env: NodeJS.ProcessEnv, addresses: Addresses, vouched: boolean): TokenSource[] {
  const variables = isOwn(addresses) || isOfActions(addresses, env) ? usual : enterprise
  return [
    ...(vouched ? [fromPlugin(env, 'github'), ...variables.map((name) => fromVariable(env, name))] : []),
    {
      name: `the login of the gh program for ${addresses.host}`,
      read: () => loginOfGh(addresses.host, env)
    }
  ]
}

const usual = ['GH_TOKEN', 'GITHUB_TOKEN']
const enterprise = ['GH_ENTERPRISE_TOKEN', 'GITHUB_ENTERPRISE_TOKEN']

const isOwn = ({ host }: Addresses): boolean => host === 'github.com' || host.endsWith('.ghe.com')

/** Within a workflow of a GitHub Enterprise Server, GITHUB_TOKEN is a token of that server. */
const isOfActions = ({ host }: Addresses, env: NodeJS.ProcessEnv): boolean =>
  env.GITHUB_API_URL !== undefined && addressesFrom(env.GITHUB_API_URL, 'GITHUB_API_URL').host === host

/** Without the variables that hold tokens, which `runProgram` keeps from it, gh gives only what it keeps for this host. */
async function loginOfGh(host: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const args = ['auth', 'token', '--hostname', host]
  const { ok, stdout } = await runProgram('gh', args, { env, limitMs: 5000, maxOutput: 65_536 })
  return ok ? stdout.trim() : null
}
