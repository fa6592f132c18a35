import { type FoundToken, findToken } from '../../http/credentials.ts'
import { howToTrust, isTrustedHost } from '../../http/trusted-hosts.ts'
import { ConfigError } from '../../support/errors.ts'
import type { TargetContext } from '../target.ts'
import { type Addresses, addressesFrom, addressesOf, atGitHub } from './address.ts'
import { expectedAssets, type GitHubConfig } from './config.ts'
import { type Repository, repositoryNamed, withoutEnd } from './names.ts'
import { remoteAddress } from './remote.ts'
import { tokenSources } from './token.ts'

/** What this target is about, settled from deploy.json, the environment and git. */
export interface GitHubSettings extends Addresses {
  owner: string
  name: string
  /** null: only public data can be read, and nothing changed. */
  token: FoundToken | null
  /** Where a token was looked for. */
  tokenPlaces: string[]
  /** null: that of the latest release. */
  series: string | null
  failedRelease: 'prerelease' | 'draft' | 'keep'
  /** Patterns of names of assets. */
  expected: string[]
  /** What was assumed, for people. */
  notes: string[]
}

/** @throws ConfigError when no repository is named, or a name or address is not valid. */
export async function settle(context: TargetContext<GitHubConfig>): Promise<GitHubSettings> {
  const { config, env, mask } = context
  const { repository, because } = await chooseRepository(context)
  const { addresses, vouched } = chooseAddresses(repository, config, env)
  const sources = tokenSources(env, addresses, vouched)
  const token = await findToken(sources, mask)
  return {
    ...addresses,
    owner: repository.owner,
    name: repository.name,
    token,
    tokenPlaces: sources.map(({ name }) => name),
    series: config.series == null ? null : withoutEnd(config.series),
    failedRelease: config.failed_release ?? 'prerelease',
    expected: expectedAssets(config.assets),
    notes: [
      ...(because ? [`The repository is ${repository.owner}/${repository.name}: ${because}.`] : []),
      ...(addresses.host === 'github.com' ? [] : [`The GitHub server is ${addresses.host}.`]),
      ...(vouched
        ? []
        : [
            `Only the project names ${addresses.host}, so tokens from the environment are not sent there. ${howToTrust(addresses.host)} GH_HOST, or gh auth login --hostname ${addresses.host}, does the same.`
          ])
    ]
  }
}

async function chooseRepository({
  config,
  env,
  mask,
  projectDir
}: TargetContext<GitHubConfig>): Promise<{ repository: Repository; because?: string }> {
  if (config.repository) return { repository: repositoryNamed(config.repository, '`config.repository` in deploy.json') }
  if (env.GH_REPO) return { repository: repositoryNamed(env.GH_REPO, 'GH_REPO'), because: 'GH_REPO names it' }
  const remote = await remoteAddress(projectDir)
  if (remote) {
    mask.add(URL.canParse(remote) ? new URL(remote).password : null)
    return { repository: repositoryNamed(remote, 'the git remote'), because: 'the git remote names it' }
  }
  if (env.GITHUB_REPOSITORY)
    return {
      repository: repositoryNamed(env.GITHUB_REPOSITORY, 'GITHUB_REPOSITORY'),
      because: 'GITHUB_REPOSITORY names it'
    }
  throw new ConfigError({
    what: 'The GitHub repository is not configured',
    why: '`config.repository` in deploy.json is not set, and the project has no git remote',
    next: 'Set `config.repository` of the target in deploy.json to owner/name.',
    code: 'no_repository'
  })
}

/** The environment vouches for a host by naming it; deploy.json and the git remote, which come with the code, do not. */
function chooseAddresses(
  { host }: Repository,
  { api_url: configured }: GitHubConfig,
  env: NodeJS.ProcessEnv
): { addresses: Addresses; vouched: boolean } {
  const ofActions = env.GITHUB_API_URL ? addressesFrom(env.GITHUB_API_URL, 'GITHUB_API_URL') : null
  const ofGh = env.GH_HOST ? addressesOf(env.GH_HOST.toLowerCase()) : null
  const named = [ofActions, ofGh].filter((one): one is Addresses => one !== null)
  const addresses = configured
    ? addressesFrom(configured, '`config.api_url` in deploy.json')
    : host
      ? (named.find((one) => one.host === host) ?? addressesOf(host))
      : (ofGh ?? ofActions ?? addressesOf('github.com'))
  const own = addresses.api === atGitHub.api
  const isNamed = named.some(({ host }) => host === addresses.host) || isTrustedHost(env, addresses.host)
  return { addresses, vouched: own || isNamed }
}
