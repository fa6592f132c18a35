import { existsSync } from 'node:fs'
import { Agent as PlainAgent, type RequestOptions } from 'node:http'
import { Agent, type RequestOptions as SecureOptions } from 'node:https'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, messageOf } from '../../../support/errors.ts'
import type { Mask } from '../../../support/mask.ts'
import { tokenFileOf } from './token-file.ts'

/** Where the API server is, and how a request proves who asks. */
export interface Connection {
  server: URL
  /** The namespace that the context names. */
  namespace: string
  context: string
  /** The kubeconfig files that it was read from; none inside a cluster. */
  files: string[]
  /** Fresh for every request: a token may have been renewed. @throws ConfigError when a login program fails. */
  options(): Promise<RequestOptions & SecureOptions>
  close(): void
}

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/**
 * Finds the cluster as kubectl does: KUBECONFIG (a list of files), ~/.kube/config, else the cluster that this runs in.
 * @throws ConfigError when there is none, or no such context.
 */
export async function connect(
  wanted: { context?: string | undefined },
  env: NodeJS.ProcessEnv,
  mask: Mask
): Promise<Connection> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js')
  const config = new KubeConfig()
  const home = join(env.HOME ?? env.USERPROFILE ?? '/', '.kube/config')
  const files = (env.KUBECONFIG ? env.KUBECONFIG.split(delimiter) : [home]).filter((file) => file && existsSync(file))
  try {
    const [first, ...others] = files
    if (first) {
      config.loadFromFile(first)
      for (const file of others) {
        const next = new KubeConfig()
        next.loadFromFile(file)
        config.mergeConfig(next, true)
      }
    } else if (existsSync(serviceAccount) && process.env.KUBERNETES_SERVICE_HOST) config.loadFromCluster()
    else throw new Error(`${env.KUBECONFIG ?? home} does not exist, and this runs in no cluster`)
  } catch (error) {
    // What follows the first line is a piece of the file, which may hold a token.
    throw unusable(messageOf(error).split('\n')[0] ?? '')
  }
  if (wanted.context) config.setCurrentContext(wanted.context)
  const context = config.getContextObject(config.getCurrentContext())
  const cluster = config.getCurrentCluster()
  if (!context || !cluster)
    throw unusable(
      `it has no usable context "${config.getCurrentContext() ?? ''}"; its contexts are ${
        config
          .getContexts()
          .map(({ name }) => name)
          .join(', ') || 'none'
      }`
    )
  const user = config.getCurrentUser()
  const { token, password, authProvider, exec, certData, certFile } = user ?? {}
  const tokenFile =
    user && !token && !authProvider && !exec && !certData && !certFile ? await tokenFileOf(user.name, files) : undefined
  // The same provider that reads the service account's token inside a cluster, again and again.
  if (user && tokenFile) config.users = [{ ...user, authProvider: { name: 'tokenFile', config: { tokenFile } } }]
  for (const secret of [token, password, authProvider?.config?.['access-token'], authProvider?.config?.['id-token']])
    if (typeof secret === 'string') mask.add(secret)

  if (!URL.canParse(cluster.server)) throw unusable(`the server of its cluster ${cluster.name} is no address`)
  const server = new URL(cluster.server)
  const agents = new Map<string, Agent | PlainAgent>()
  return {
    server,
    namespace: context.namespace?.trim() || 'default',
    context: context.name,
    files,
    async options() {
      const options: SecureOptions = {}
      try {
        await inTime(config.applyToHTTPSOptions(options))
      } catch (error) {
        throw loginFailed(exec ? programFailure(exec, error) : messageOf(error), context.user)
      }
      const authorization = (options.headers as Record<string, string> | undefined)?.Authorization
      mask.add(authorization?.replace(/^\w+ /, ''))
      if (cluster.proxyUrl) return options
      const { ca, cert, key, passphrase, rejectUnauthorized, servername } = options
      const identity = [cert, key].map(String).join()
      let agent = agents.get(identity)
      agent ??=
        server.protocol === 'http:'
          ? new PlainAgent({ keepAlive: true, maxSockets: 256 })
          : new Agent({
              keepAlive: true,
              maxSockets: 256,
              ...(ca && { ca }),
              ...(cert && { cert }),
              ...(key && { key }),
              ...(passphrase && { passphrase }),
              ...(servername && { servername }),
              ...(rejectUnauthorized !== undefined && { rejectUnauthorized })
            })
      agents.set(identity, agent)
      return { headers: options.headers, auth: options.auth, agent } as RequestOptions & SecureOptions
    },
    close() {
      for (const agent of agents.values()) agent.destroy()
    }
  }
}

const loginWithinMs = 60_000

/** A login program may wait for somebody who is not there. */
async function inTime(login: Promise<void>): Promise<void> {
  const end = new AbortController()
  const late = sleep(loginWithinMs, undefined, { signal: end.signal }).then(() => {
    throw new Late()
  })
  try {
    await Promise.race([login, late])
  } finally {
    end.abort()
    late.catch(() => undefined)
  }
}

class Late extends Error {}

/** What a login program prints when it fails may be a secret of any shape, so it is not repeated. */
function programFailure({ command }: { command?: string }, error: unknown): string {
  const name = `its login program ${command ?? ''}`
  if (error instanceof Late) return `${name} gave no answer within ${loginWithinMs / 1000} s`
  const { code } = error as { code?: unknown }
  if (code === 'ENOENT' || code === 'EACCES') return `${name} cannot be run (${code})`
  if (error instanceof SyntaxError || error instanceof TypeError) return `${name} printed no credential`
  return `${name} failed; what it says is seen when kubectl runs it`
}

const unusable = (why: string): ConfigError =>
  new ConfigError({
    what: 'No Kubernetes cluster can be reached',
    why: `the kubeconfig cannot be used: ${why}`,
    next: 'Set KUBECONFIG, or targets.kubernetes.config.context in deploy.json, to what kubectl uses; "kubectl config get-contexts" lists them.',
    code: 'no_cluster'
  })

const loginFailed = (why: string, user: string): ConfigError =>
  new ConfigError({
    what: `Logging in as ${user} failed`,
    why,
    next: 'Log in as you do for kubectl, see that "kubectl auth can-i get deployments" works, then try again.',
    code: 'login_failed'
  })
