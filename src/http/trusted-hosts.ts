import { BlockList, isIP } from 'node:net'
import { ConfigError } from '../support/errors.ts'
import { oneLine } from '../support/text.ts'

const variable = 'POP_ROLLBACK_TRUSTED_HOSTS'

/**
 * Whether the user vouches for a host in POP_ROLLBACK_TRUSTED_HOSTS, a list with commas of `host` or `host:port`. A file of the project
 * comes with the code of others, so it alone must not decide where a credential goes.
 * @param host as `URL.host` has it: without the port where that is the usual one.
 * @throws ConfigError for an entry that is no host.
 */
export function isTrustedHost(env: NodeJS.ProcessEnv, host: string): boolean {
  const entries = (env[variable] ?? '').split(',').map((entry) => entry.trim())
  return entries.filter(Boolean).map(hostFrom).includes(host.toLowerCase())
}

/**
 * Refuses to send a credential to a host that only a file of the project names.
 * @param namedBy who names it: "`config.index_url` in deploy.json".
 * @throws ConfigError `untrusted_host`, unless the user vouches for the host.
 */
export function requireTrustedHost(env: NodeJS.ProcessEnv, host: string, namedBy: string): void {
  if (isTrustedHost(env, host)) return
  throw new ConfigError({
    what: `No request was sent to ${oneLine(host, 80)}`,
    why: `only ${namedBy} names this host, and a request would carry your login to it`,
    next: howToTrust(host),
    code: 'untrusted_host'
  })
}

/** What a user does who wants a credential to go to a host. */
export const howToTrust = (host: string): string =>
  `If you trust this host, set ${variable}=${oneLine(host, 80)} in the environment of the server, then try again.`

/**
 * Refuses an address under which a cloud gives credentials to whoever asks from its machine: no deployment serves there, and a file or a
 * redirect could name it.
 * @throws ConfigError `untrusted_host`, unless the user vouches for the host.
 */
export function requireNotLinkLocal(env: NodeJS.ProcessEnv, { host, hostname }: URL): void {
  if (isLinkLocal(hostname.replace(/^\[|\]$/g, '')))
    requireTrustedHost(env, host, 'an address outside your configuration')
}

const isLinkLocal = (name: string): boolean =>
  isIP(name) === 0
    ? /^(metadata\.google\.internal|metadata\.goog|instance-data)\.?$/.test(name)
    : linkLocal.check(name, isIP(name) === 6 ? 'ipv6' : 'ipv4')

const linkLocal = new BlockList()
linkLocal.addSubnet('169.254.0.0', 16)
linkLocal.addSubnet('fe80::', 10, 'ipv6')
linkLocal.addAddress('fd00:ec2::254', 'ipv6')
linkLocal.addAddress('100.100.100.200')

function hostFrom(entry: string): string {
  if (/^[^\s/?#@\\*]+$/.test(entry) && URL.canParse(`https://${entry}`)) return new URL(`https://${entry}`).host
  throw new ConfigError({
    what: `${variable} is not valid`,
    why: `"${oneLine(entry, 80)}" is neither a host nor host:port`,
    next: `Set ${variable} to hosts with commas between them, such as git.example.com,10.0.0.5:2376.`,
    code: 'bad_trusted_hosts'
  })
}
