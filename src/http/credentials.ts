import { ConfigError } from '../support/errors.ts'
import type { Mask } from '../support/mask.ts'

/** A place that a token may come from, in the order in which they count. */
export interface TokenSource {
  /** How people call it: "the environment variable GH_TOKEN". */
  name: string
  read(): string | null | undefined | Promise<string | null | undefined>
}

export interface FoundToken {
  token: string
  /** Where it came from; never the token itself. */
  from: string
}

/** The user's configuration of the plugin, which the host hands over in the environment. */
export const fromPlugin = (env: NodeJS.ProcessEnv, platform: string): TokenSource => {
  const name = `POP_ROLLBACK_${platform.toUpperCase()}_TOKEN`
  return { name: `the plugin's configuration (${name})`, read: () => filledIn(env[name]) }
}

export const fromVariable = (env: NodeJS.ProcessEnv, name: string): TokenSource => ({
  name: `the environment variable ${name}`,
  read: () => filledIn(env[name])
})

/** A variable that a host left unfilled reads like `${user_config.x}`: that is no token. */
const filledIn = (value: string | undefined): string | null =>
  value === undefined || value.trim() === '' || /^\$\{[^}]*\}$/.test(value.trim()) ? null : value.trim()

/**
 * Reads the first token there is and registers it with the mask; null when no source has one.
 * @throws ConfigError for a token with characters that no header may carry.
 */
export async function findToken(sources: readonly TokenSource[], mask: Mask): Promise<FoundToken | null> {
  for (const { name, read } of sources) {
    const token = await read()
    if (!token) continue
    mask.add(token)
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new ConfigError({
        what: 'A token cannot be used',
        why: `what ${name} holds has spaces, line breaks or other characters that no token has`,
        next: 'Set it again.',
        code: 'bad_token'
      })
    return { token, from: name }
  }
  return null
}

/** Says where a token was looked for. */
export const noToken = (service: string, sources: readonly TokenSource[], manualCommands: string): ConfigError =>
  new ConfigError({
    what: `There is no token for ${service}`,
    why: `none is in ${sources.map(({ name }) => name).join(', ')}`,
    next: manualCommands,
    code: 'not_logged_in'
  })
