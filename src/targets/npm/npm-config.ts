import { access, realpath } from 'node:fs/promises'
import { delimiter, dirname, isAbsolute, join, relative, sep } from 'node:path'
import Config from '@npmcli/config'
import npmDefinitions from '@npmcli/config/lib/definitions/index.js'
import { ConfigError, messageOf } from '../../support/errors.ts'
import type { Mask } from '../../support/mask.ts'
import { oneLine } from '../../support/text.ts'

/** An npm configuration, flattened to what requests to a registry take. */
export type NpmOptions = Record<string, unknown>

/**
 * Reads the user's own npm configuration, as npm does: builtin, global and user npmrc, and `npm_config_*` variables; not the npmrc of
 * the project. Every credential in it is registered with the mask.
 * @returns `options`, and `userFile`, the path of the user's npmrc.
 * @throws ConfigError when it cannot be read.
 */
export async function loadNpmOptions(
  projectDir: string,
  env: NodeJS.ProcessEnv,
  mask: Mask
): Promise<{ options: NpmOptions; userFile: string }> {
  const { definitions, shorthands, flatten, nerfDarts } = npmDefinitions
  const config = new Config({
    definitions,
    shorthands,
    flatten,
    nerfDarts,
    npmPath: await npmFolder(env, projectDir),
    // So npm leaves the project's npmrc out.
    argv: [process.execPath, 'npm', '--global'],
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
  return { options, userFile: String(config.get('userconfig')) }
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
async function npmFolder(env: NodeJS.ProcessEnv, projectDir: string): Promise<string> {
  const program = await findNpm(env, projectDir)
  return program ? dirname(dirname(await realpath(program))) : join(dirname(process.execPath), 'node_modules', 'npm')
}

/** The npm program on PATH, or null. */
export async function findNpm(env: NodeJS.ProcessEnv, projectDir: string): Promise<string | null> {
  const names = process.platform === 'win32' ? ['npm.cmd', 'npm.exe'] : ['npm']
  for (const folder of programFolders(env, projectDir))
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

/** The folders of PATH, without those of the project, such as its node_modules/.bin, whose programs the repository brings. */
export const programFolders = (env: NodeJS.ProcessEnv, projectDir: string): string[] =>
  (env.PATH ?? env.Path ?? '')
    .split(delimiter)
    .filter((folder) => isAbsolute(folder) && isOutside(relative(projectDir, folder)))

const isOutside = (path: string): boolean => isAbsolute(path) || path.split(sep)[0] === '..'
