import { access, realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import Config from '@npmcli/config'
import npmDefinitions from '@npmcli/config/lib/definitions/index.js'
import { ConfigError, messageOf } from '../../support/errors.ts'
import type { Mask } from '../../support/mask.ts'
import { oneLine } from '../../support/text.ts'

/** The user's npm configuration, flattened to what requests to a registry take. */
export type NpmOptions = Record<string, unknown>

/**
 * Reads the user's own npm configuration, as npm does: builtin, global, user and project npmrc, and `npm_config_*` variables.
 * Every credential in it is registered with the mask.
 * @throws ConfigError when it cannot be read.
 */
export async function loadNpmOptions(projectDir: string, env: NodeJS.ProcessEnv, mask: Mask): Promise<NpmOptions> {
  const { definitions, shorthands, flatten, nerfDarts } = npmDefinitions
  const config = new Config({
    definitions,
    shorthands,
    flatten,
    nerfDarts,
    npmPath: await npmFolder(env),
    argv: [process.execPath, 'npm'],
    env: { ...env },
    cwd: projectDir,
    warn: false
  })
  try {
    await config.load()
  } catch (error) {
    throw new ConfigError({
      what: 'The npm configuration cannot be read',
      why: oneLine(mask.text(messageOf(error))),
      next: 'Check it with `npm config list`, correct it, and try again.',
      code: 'npm_config',
      cause: error
    })
  }
  const options = { ...config.flat }
  maskSecrets(options, mask)
  return options
}

/** Registers every credential of flattened options, also those that are packed into another. */
export function maskSecrets(options: NpmOptions, mask: Mask): void {
  for (const [key, value] of Object.entries(options)) {
    if (typeof value !== 'string') continue
    if (/_authToken$|_auth$|_password$|^otp$|^key$/.test(key)) mask.add(value)
    if (key.endsWith('_password')) mask.add(decode(value))
    if (key.endsWith('_auth')) mask.add(decode(value).split(':').slice(1).join(':'))
    const password = URL.canParse(value) ? new URL(value).password : ''
    if (password) mask.add(decodeURIComponent(password))
  }
}

const decode = (text: string): string => Buffer.from(text, 'base64').toString('utf8')

/** Where npm itself is installed, which may hold an npmrc of its own; a folder without one where npm is not installed. */
async function npmFolder(env: NodeJS.ProcessEnv): Promise<string> {
  const program = await findNpm(env)
  return program ? dirname(dirname(await realpath(program))) : join(dirname(process.execPath), 'node_modules', 'npm')
}

/** The npm program on PATH, or null. */
export async function findNpm(env: NodeJS.ProcessEnv): Promise<string | null> {
  const path = env.PATH ?? env.Path ?? ''
  const names = process.platform === 'win32' ? ['npm.cmd', 'npm.exe'] : ['npm']
  for (const folder of path.split(delimiter).filter(Boolean))
    for (const name of names) {
      const program = join(folder, name)
      const there = await access(program).then(
        () => true,
        () => false
      )
      if (there) return program
    }
  return null
}
