import http from 'node:http'
import { ConfigError } from '../../../support/errors.ts'

/** The way to one engine: where it is, and connections to it that are kept alive. */
export interface Transport {
  /** For people, without secrets: "unix:///var/run/docker.sock". */
  address: string
  /** The host under which the ports that this engine publishes answer from here. */
  publishedHost: string
  /** Merged into every request: `socketPath`, or `host`, `port` and TLS material. */
  request: http.RequestOptions
  /** Whether requests go over TLS. */
  secure: boolean
  close(): void
}

/** What names the engine in the target's configuration. */
export interface EngineChoice {
  /** `config.host`: unix://, tcp:// or ssh://; first choice. */
  host?: string | undefined
}

export const defaultSocket = '/var/run/docker.sock'

/**
 * Finds the engine as the Docker command does: the configured host, else DOCKER_HOST, else the default socket. Opens no connection.
 * @throws ConfigError when the address is none.
 */
export async function connect(choice: EngineChoice, env: NodeJS.ProcessEnv): Promise<Transport> {
  return transportTo(choice.host ?? (env.DOCKER_HOST || `unix://${defaultSocket}`))
}

function transportTo(address: string): Transport {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url?.protocol === 'unix:') return plain(address, 'localhost', { socketPath: url.pathname })
  if (url && (url.protocol === 'tcp:' || url.protocol === 'http:'))
    return plain(address, url.hostname, { host: url.hostname, port: Number(url.port || 2375) })
  throw new ConfigError({
    what: 'The address of the Docker engine is not understood',
    why: `${address.slice(0, 100)} is none of unix:///path, tcp://host:port, ssh://user@host`,
    next: 'Correct DOCKER_HOST, or `host` in the configuration of the target.',
    code: 'engine_address'
  })
}

function plain(address: string, publishedHost: string, request: http.RequestOptions): Transport {
  const agent = new http.Agent({ keepAlive: true })
  return { address, publishedHost, request: { ...request, agent }, secure: false, close: () => agent.destroy() }
}
