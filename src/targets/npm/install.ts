import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Mask } from '../../support/mask.ts'
import { runProgram } from '../../support/run-program.ts'
import { oneLine, quoted } from '../../support/text.ts'
import { escapedName, scopeOf } from './names.ts'
import { findNpm } from './npm-config.ts'
import type { NpmSettings } from './settings.ts'

const limitMs = 120_000

export type Installed =
  | { state: 'installed'; version: string; integrity: string | null }
  | { state: 'failed' | 'unknown'; detail: string }

/** Installs the package by its tag as a user would: in an empty folder, with an empty cache, without running any scripts. */
export async function installByTag(
  settings: NpmSettings,
  env: NodeJS.ProcessEnv,
  mask: Mask,
  signal: AbortSignal
): Promise<Installed> {
  const npm = await findNpm(env)
  if (!npm) return { state: 'unknown', detail: 'npm is not on PATH, so the package cannot be installed' }
  const folder = await mkdtemp(join(tmpdir(), 'pop-npm-'))
  try {
    await writeFile(join(folder, 'package.json'), '{"name":"empty-folder","version":"0.0.0","private":true}\n')
    const result = await runProgram(npm, argumentsFor(settings, folder), {
      cwd: folder,
      env: { ...env, ...registriesAndLogins(settings) },
      signal,
      limitMs,
      maxOutput: 1024 * 1024
    })
    if (!result.ok)
      return why(settings, result.problem === 'timed_out', mask.text(result.stdout), mask.text(result.stderr))
    return await found(settings.name, folder)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

function argumentsFor({ name, tag, registry }: NpmSettings, folder: string): string[] {
  const scope = scopeOf(name)
  return [
    'install',
    `${name}@${tag}`,
    scope ? `--${scope}:registry=${registry}` : `--registry=${registry}`,
    `--cache=${join(folder, 'cache')}`,
    `--prefix=${folder}`,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--no-global',
    '--no-offline',
    '--no-prefer-offline',
    '--no-dry-run',
    '--package-lock',
    '--no-engine-strict',
    '--fetch-retries=1',
    '--fetch-timeout=20000',
    '--loglevel=error',
    '--json'
  ]
}

/** The empty folder is outside the project, so registries and logins of the project's npmrc are passed on, never on the command line. */
function registriesAndLogins({ options }: NpmSettings): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const [key, value] of Object.entries(options))
    if (typeof value === 'string' && (/^@.*:registry$/.test(key) || key.startsWith('//')))
      variables[`npm_config_${key}`] = value
  if (typeof options.registry === 'string') variables.npm_config_registry = options.registry
  return variables
}

const lockSchema = z.looseObject({
  packages: z.record(z.string(), z.looseObject({ version: z.string().optional(), integrity: z.string().optional() }))
})

async function found(name: string, folder: string): Promise<Installed> {
  const manifest = z
    .looseObject({ version: z.string() })
    .safeParse(await readJson(join(folder, 'node_modules', name, 'package.json')))
  const lock = lockSchema.safeParse(await readJson(join(folder, 'package-lock.json')))
  if (!manifest.success) return { state: 'failed', detail: 'npm reported success, but the package is not installed' }
  const integrity = lock.success ? lock.data.packages[`node_modules/${name}`]?.integrity : undefined
  return { state: 'installed', version: manifest.data.version, integrity: integrity ?? null }
}

const readJson = async (path: string): Promise<unknown> => {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return null
  }
}

const errorSchema = z.looseObject({
  error: z.looseObject({ code: z.string().nullish(), summary: z.string().nullish(), detail: z.string().nullish() })
})

/** A failure that concerns another package, the network or this machine says nothing about the candidate. */
function why({ name }: NpmSettings, timedOut: boolean, stdout: string, stderr: string): Installed {
  if (timedOut) return { state: 'unknown', detail: `npm did not finish within ${limitMs / 1000} seconds` }
  const parsed = errorSchema.safeParse(tryJson(stdout))
  const { code, summary } = parsed.success ? parsed.data.error : {}
  const said = oneLine(summary || stderr.trim().split('\n')[0] || 'npm gave no reason', 240)
  const detail = `npm install failed${code ? ` with ${oneLine(code, 40)}` : ''}: ${quoted(said, 240)}`
  const aboutUs = mentions(`${summary ?? ''} ${stderr}`, name) || mentions(summary ?? '', escapedName(name))
  const elsewhere =
    /^(ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENOSPC|EACCES|EPERM|ERR_SOCKET|FETCH_ERROR|E5\d\d|E429|EBADPLATFORM|EBADENGINE)/.test(
      code ?? ''
    )
  return { state: aboutUs && !elsewhere ? 'failed' : 'unknown', detail }
}

/** Whether a text names the package, and not one whose name only begins or ends alike. */
const mentions = (text: string, name: string): boolean =>
  new RegExp(`(^|[^\\w.~-])${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}([^\\w.~-]|$)`).test(text)

const tryJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
