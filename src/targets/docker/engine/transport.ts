import http from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import type { TlsMaterial } from './tls.ts'

/** The way to one engine: where it is, and connections to it that are kept alive. */
export interface Transport {
  /** For people, without secrets: "unix:///var/run/docker.sock". */
  address: string
  /** The host under which the ports that this engine publishes answer from here. */
  publishedHost: string
  /** Merged into every request: `socketPath`, or `host`, `port` and TLS material. */
  request: http.RequestOptions
  /** For one request on a connection of its own; left out where a connection is a login. */
  once?: () => http.Agent
  /** Whether the user, and not the project alone, names this engine: only then a login may go there. */
  trusted: boolean
  /** Whether requests go over TLS. */
  secure: boolean
  close(): void
}

type Untold = Omit<Transport, 'trusted'>

export function unixTransport(address: string, socketPath: string): Untold {
  const agent = new http.Agent({ keepAlive: true })
  return {
    address,
    publishedHost: 'localhost',
    request: { socketPath, agent },
    once: () => new http.Agent(),
    secure: false,
    close: () => agent.destroy()
  }
}

export function tcpTransport(address: string, host: string, port: number, tls: TlsMaterial | null): Untold {
  const agent = tls ? new https.Agent({ keepAlive: true, ...tls }) : new http.Agent({ keepAlive: true })
  // The Host header is no name of the engine's; an address has no server name (RFC 6066).
  const request = { host, port, agent, ...(tls && { servername: isIP(host) ? '' : host }) }
  return {
    address,
    publishedHost: host,
    request,
    once: () => (tls ? new https.Agent(tls) : new http.Agent()),
    secure: tls !== null,
    close: () => agent.destroy()
  }
}
