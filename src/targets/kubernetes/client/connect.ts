import { Agent as PlainAgent, type RequestOptions } from 'node:http'
import { Agent, type RequestOptions as SecureOptions } from 'node:https'
import type { Mask } from '../../../support/mask.ts'
import { readKubeconfig } from './kubeconfig.ts'
import { openLogin } from './login.ts'

/** Where the API server is, and how requests authenticate. */
export interface Connection {
  server: URL
  /** The namespace that the context names. */
  namespace: string
  context: string
  /** The kubeconfig files that it was read from; none inside a cluster. */
  files: string[]
  /** For the next request: a token may have been renewed. @throws ConfigError when a login program fails. */
  access(): Promise<Access>
  close(): void
}

/** What a request needs to be accepted. */
export interface Access {
  options: RequestOptions & SecureOptions
  /** Called when the server refuses it: the next one comes from a new login. */
  refused(): Promise<void>
}

/**
 * Connects to the cluster that kubectl would mean.
 * @throws ConfigError when there is none, or no such context.
 */
export async function connect(
  wanted: { context?: string | undefined },
  env: NodeJS.ProcessEnv,
  mask: Mask
): Promise<Connection> {
  const read = () => readKubeconfig(wanted, env, mask)
  const kubeconfig = await read()
  const { cluster, context, files, behindProxy } = kubeconfig
  const server = new URL(cluster.server)
  const login = openLogin(kubeconfig, read, env)
  const agents = new Map<string, Agent | PlainAgent>()

  /** One pool of connections for each identity: a certificate belongs to a connection, not to a request. */
  function agentFor(given: SecureOptions): Agent | PlainAgent {
    const identity = [given.cert, given.key].map(String).join()
    const agent = agents.get(identity) ?? (behindProxy ? (given.agent as Agent) : newAgent(given))
    agents.set(identity, agent)
    return agent
  }

  function newAgent({ ca, cert, key, passphrase, rejectUnauthorized, servername }: SecureOptions): Agent | PlainAgent {
    const pool = { keepAlive: true, maxSockets: 256 }
    if (server.protocol === 'http:') return new PlainAgent(pool)
    return new Agent({
      ...pool,
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(passphrase && { passphrase }),
      ...(servername && { servername }),
      ...(rejectUnauthorized !== undefined && { rejectUnauthorized })
    })
  }

  return {
    server,
    namespace: context.namespace?.trim() || 'default',
    context: context.name,
    files,
    async access() {
      const given = await login.options()
      const authorization = (given.headers as Record<string, string> | undefined)?.Authorization
      mask.add(authorization?.replace(/^\w+ /, ''))
      const { headers, auth } = given
      const options = { headers, auth, agent: agentFor(given) } as Access['options']
      return { options, refused: () => login.renew(given) }
    },
    close() {
      for (const agent of agents.values()) agent.destroy()
    }
  }
}
