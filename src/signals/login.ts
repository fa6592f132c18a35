import { findToken, fromVariable } from '../http/credentials.ts'
import { requireTrustedHost } from '../http/trusted-hosts.ts'
import { ConfigError } from '../support/errors.ts'
import type { Mask } from '../support/mask.ts'
import type { PrometheusStore } from './signal-schema.ts'

/**
 * The whole value of the Authorization header for a store; undefined where deploy.json names no login. The variables are named by a file
 * of the project, as the host is: nothing is read for a host that the user does not vouch for.
 * @throws ConfigError `untrusted_host`, or for a variable that is not set.
 */
export async function authorizationFor(
  { url, bearer_env: bearer, basic_env: basic }: PrometheusStore,
  env: NodeJS.ProcessEnv,
  mask: Mask
): Promise<string | undefined> {
  if (!bearer && !basic) return undefined
  requireTrustedHost(env, new URL(url).host, '`prometheus.url` in deploy.json')
  if (bearer) return `Bearer ${await secretIn(bearer, env, mask)}`
  if (!basic) return undefined
  const login = `${await secretIn(basic.username, env, mask)}:${await secretIn(basic.password, env, mask)}`
  const encoded = Buffer.from(login).toString('base64')
  mask.add(encoded)
  return `Basic ${encoded}`
}

async function secretIn(name: string, env: NodeJS.ProcessEnv, mask: Mask): Promise<string> {
  const found = await findToken([fromVariable(env, name)], mask)
  if (found) return found.token
  throw new ConfigError({
    what: 'There is no login for Prometheus',
    why: `the environment variable ${name}, which deploy.json names, is not set`,
    next: `Set ${name} in the environment of the server.`,
    code: 'not_logged_in'
  })
}
