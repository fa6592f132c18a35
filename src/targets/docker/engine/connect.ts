import { platform } from 'node:os'
import { ConfigError } from '../../../support/errors.ts'
import { configFolder, currentContext, type Endpoint, endpointOfContext } from './contexts.ts'
import { sshTransport } from './ssh.ts'
import { type TlsMaterial, tlsOfEnvironment, withoutKeys } from './tls.ts'
import { type Transport, tcpTransport, unixTransport } from './transport.ts'
import { isVouchedFor } from './vouched.ts'

export type { Transport } from './transport.ts'

/** What names the engine in the target's configuration. */
export interface EngineChoice {
  /** `config.host`: unix://, tcp:// or ssh://; first choice. */
  host?: string | undefined
  /** `config.docker_context`. */
  context?: string | undefined
  /** The folder of that configuration. */
  projectDir?: string
}

export const defaultSocket = '/var/run/docker.sock'
const defaultPipe = 'npipe:////./pipe/docker_engine'

/**
 * Finds the engine as the Docker command does: the configured host or context, else DOCKER_HOST, else DOCKER_CONTEXT, else the
 * current context, else the default socket. Opens no connection. What only `host` names is not trusted: it gets no key of the user's.
 * @throws ConfigError when the address is not valid, the context does not exist, or an ssh host is not trusted.
 */
export async function connect(choice: EngineChoice, env: NodeJS.ProcessEnv): Promise<Transport> {
  const { host, tls } = await endpointOf(choice, env)
  const trusted = choice.host === undefined || (await isUsersOwn(choice, env))
  return { ...(await transportTo(host, trusted ? tls : withoutKeys(tls), env, trusted)), trusted }
}

/** The engine that the user has chosen without the project, too, or vouches for. */
async function isUsersOwn({ host = '', projectDir }: EngineChoice, env: NodeJS.ProcessEnv): Promise<boolean> {
  const own = await endpointOf({}, env).catch(() => null)
  return own?.host === host || isVouchedFor(host, projectDir, env)
}

async function endpointOf({ host, context }: EngineChoice, env: NodeJS.ProcessEnv): Promise<Endpoint> {
  const named = host ?? (context ? undefined : env.DOCKER_HOST || undefined)
  if (named) return { host: named, tls: await tlsOfEnvironment(env, configFolder(env)) }
  const name = context ?? (env.DOCKER_CONTEXT || (await currentContext(env)))
  if (name && name !== 'default') return endpointOfContext(name, env)
  return { host: platform() === 'win32' ? defaultPipe : `unix://${defaultSocket}`, tls: null }
}

async function transportTo(
  address: string,
  tls: TlsMaterial | null,
  env: NodeJS.ProcessEnv,
  trusted: boolean
): Promise<Omit<Transport, 'trusted'>> {
  if (address.startsWith('npipe:')) throw noPipes(address)
  // What URL leaves out of an address, a person who reads it may not see either.
  const url = /^[!-~]+$/.test(address) && URL.canParse(address) ? new URL(address) : null
  if (url?.protocol === 'unix:' && url.pathname !== '') return unixTransport(address, url.pathname)
  if (url?.protocol === 'ssh:' && url.hostname !== '') return sshTransport(address, url, env, trusted)
  if (
    url &&
    (url.protocol === 'tcp:' || url.protocol === 'http:' || url.protocol === 'https:') &&
    url.hostname !== ''
  ) {
    const material = tls ?? (url.protocol === 'https:' ? { rejectUnauthorized: true } : null)
    return tcpTransport(
      address,
      url.hostname.replace(/^\[|\]$/g, ''),
      Number(url.port || (material ? 2376 : 2375)),
      material
    )
  }
  throw new ConfigError({
    what: 'The address of the Docker engine is not valid',
    why: `${address.slice(0, 100)} is not unix:///path, tcp://host:port or ssh://user@host`,
    next: 'Correct DOCKER_HOST, or `host` in the configuration of the target.',
    code: 'engine_address'
  })
}

const noPipes = (address: string): ConfigError =>
  new ConfigError({
    what: 'A Docker engine behind a Windows named pipe is not supported',
    why: `${address.slice(0, 100)} is a named pipe; unix, tcp and ssh addresses work`,
    next: 'Run this program in WSL, where Docker Desktop offers unix:///var/run/docker.sock, or set DOCKER_HOST, or `host` in the configuration of the target, to tcp:// or ssh://.',
    code: 'engine_address'
  })
