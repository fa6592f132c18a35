import { homedir } from 'node:os'
import { join } from 'node:path'
import type { z } from 'zod'
import { ConfigError } from '../support/errors.ts'
import type { Mask } from '../support/mask.ts'
import { parseOutsideJson } from '../support/nesting.ts'
import { readText } from '../support/read-text.ts'

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

/**
 * What a platform's own program keeps of its user, from the first of these paths that holds it.
 * @param paths below the variable's folder, or else below a folder of the user's home.
 */
export async function readOwnFile<T>(
  env: NodeJS.ProcessEnv,
  paths: readonly { variable?: string; folder: string; path: string }[],
  schema: z.ZodType<T>
): Promise<T | null> {
  for (const { variable = '', folder, path } of paths) {
    try {
      const above = env[variable] || join(env.HOME || homedir(), folder)
      return schema.parse(parseOutsideJson(await readText(join(above, path))))
    } catch {
      // Missing, or of another shape: the next path.
    }
  }
  return null
}

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
