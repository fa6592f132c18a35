import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, relative } from 'node:path'
import { howToTrust, isTrustedHost } from '../../../http/trusted-hosts.ts'
import { ConfigError } from '../../../support/errors.ts'
import { oneLine } from '../../../support/text.ts'

/**
 * Whether the user vouches for an engine that deploy.json names, so that a login may go there: the environment lists its host, or it is
 * a socket of this machine that root or this user made, outside the project.
 * @param host valid: unix:///path, tcp://host:port or ssh://user@host.
 */
export async function isVouchedFor(
  host: string,
  projectDir: string | undefined,
  env: NodeJS.ProcessEnv
): Promise<boolean> {
  if (!URL.canParse(host)) return false
  const url = new URL(host)
  if (url.protocol !== 'unix:') return isTrustedHost(env, url.host)
  try {
    const [socket, project] = await Promise.all([realpath(url.pathname), projectDir && realpath(projectDir)])
    const { uid } = await stat(socket)
    const isOfProject = Boolean(project) && isWithin(socket, String(project))
    return !isOfProject && [0, process.getuid?.()].includes(uid)
  } catch {
    return false
  }
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return !way.startsWith('..') && !isAbsolute(way)
}

/** What a user does who wants a login to go to an engine. */
export function howToVouch(address: string): string {
  const { host } = new URL(address)
  if (host) return howToTrust(host)
  return `If you trust this engine, set DOCKER_HOST=${oneLine(address, 100)} in the environment of the server, then try again.`
}

/** Ssh would log in with the user's keys, and start whatever the user's configuration says of that host. */
export const notVouchedFor = (address: string): ConfigError =>
  new ConfigError({
    what: 'The Docker engine was not contacted',
    why: `only deploy.json names ${oneLine(address, 100)}, and ssh would log in there with your keys`,
    next: howToVouch(address),
    code: 'untrusted_host'
  })
