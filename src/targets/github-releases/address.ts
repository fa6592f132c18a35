import { ConfigError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'

export interface Addresses {
  /** Base of the REST API, without a slash at the end. */
  api: string
  /** Where people and installers reach the repository. */
  web: string
  /** As the gh program calls it. */
  host: string
}

/** The addresses of the GitHub that a host name stands for (docs.github.com, "Getting started with the REST API"). */
export function addressesOf(host: string): Addresses {
  if (host === 'github.com' || host === 'api.github.com') return atGitHub
  if (host.endsWith('.ghe.com')) {
    const tenant = host.replace(/^api\./, '')
    return { api: `https://api.${tenant}`, web: `https://${tenant}`, host: tenant }
  }
  return { api: `https://${host}/api/v3`, web: `https://${host}`, host }
}

export const atGitHub: Addresses = { api: 'https://api.github.com', web: 'https://github.com', host: 'github.com' }

/**
 * The addresses that belong to the base of a REST API.
 * @throws ConfigError for anything else, and for plain http to another machine, because a token would be sent over it.
 */
export function addressesFrom(api: string, where: string): Addresses {
  const url = URL.canParse(api) ? new URL(api) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
    throw bad(api, where, 'it is not a plain http or https address')
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    throw bad(api, where, 'a token would be sent over unencrypted http')
  if (url.host === 'api.github.com' || url.host.endsWith('.ghe.com')) return addressesOf(url.host)
  const path = url.pathname.replace(/(?<!\/)\/+$/, '')
  return { api: `${url.origin}${path}`, web: `${url.origin}${path.replace(/\/api\/v3$/, '')}`, host: url.host }
}

const isLoopback = (name: string): boolean => name === 'localhost' || name === '[::1]' || /^127(\.\d+){3}$/.test(name)

const bad = (api: string, where: string, why: string): ConfigError =>
  new ConfigError({
    what: 'The address of the GitHub API cannot be used',
    why: `${where} is "${oneLine(api.replace(/\/\/[^/@]*@/, '//***@'), 80)}": ${why}`,
    next: 'Set it to the base of the REST API, such as https://github.example.com/api/v3.',
    code: 'bad_api_url'
  })
