import type { SecureContextOptions } from 'node:tls'
import { EnvHttpProxyAgent } from 'undici'
import { ConfigError } from '../support/errors.ts'
import { oneLine } from '../support/text.ts'

const agents = new Map<string, EnvHttpProxyAgent>()

/** Always reached directly, as programs in Go do it: a proxy has another loopback. */
export const loopback = 'localhost,127.0.0.1,[::1]'

/**
 * The connections of this process that obey HTTP_PROXY, HTTPS_PROXY and NO_PROXY of an environment as curl does. Idle ones are closed
 * after seconds and keep no process alive.
 * @throws ConfigError for a proxy that is no address.
 */
export function proxyAgent(env: NodeJS.ProcessEnv): EnvHttpProxyAgent {
  const proxies = proxiesOf(env)
  const key = JSON.stringify(proxies)
  const agent = agents.get(key) ?? agentWith(proxies)
  agents.set(key, agent)
  return agent
}

/** The proxies that an environment names. @throws ConfigError for one that is no address. */
export const proxiesOf = (env: NodeJS.ProcessEnv): Proxies => ({
  httpProxy: proxyOf(env, 'http_proxy'),
  httpsProxy: proxyOf(env, 'https_proxy'),
  noProxy: env.no_proxy ?? env.NO_PROXY ?? ''
})

export interface Proxies {
  httpProxy: string
  httpsProxy: string
  noProxy: string
}

/** Connections through these proxies, and with TLS as given. */
export const agentWith = (
  { httpProxy, httpsProxy, noProxy }: Proxies,
  tls: SecureContextOptions & { rejectUnauthorized?: boolean } = {}
): EnvHttpProxyAgent =>
  new EnvHttpProxyAgent({
    httpProxy,
    httpsProxy,
    noProxy: noProxy.trim() === '*' ? '*' : `${noProxy},${loopback}`,
    connect: { ...tls, timeout: 10_000 },
    requestTls: tls
  })

/** The lower-case name counts first; without a scheme, a proxy is spoken to in HTTP. */
function proxyOf(env: NodeJS.ProcessEnv, name: string): string {
  const from = env[name] === undefined ? name.toUpperCase() : name
  const stated = (env[from] ?? '').trim()
  if (stated === '') return ''
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(stated) ? stated : `http://${stated}`
  const url = URL.canParse(address) ? new URL(address) : null
  if (!url?.hostname || !/^(https?|socks5?):$/.test(url.protocol) || !decodable(url)) throw bad(from, stated)
  return address
}

function decodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

const bad = (name: string, stated: string): ConfigError =>
  new ConfigError({
    what: 'The proxy of the environment cannot be used',
    why: `${name} is "${oneLine(stated.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1***@'), 80)}", which is not the address of an HTTP or SOCKS proxy`,
    next: `Set ${name} to an address such as http://proxy.example.com:3128, or unset it.`,
    code: 'bad_proxy'
  })
