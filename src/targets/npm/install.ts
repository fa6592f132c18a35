import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { z } from 'zod'
import { loopback } from '../../http/proxy.ts'
import { runProgram } from '../../support/run-program.ts'
import { oneLine } from '../../support/text.ts'
import type { NpmContext } from './context.ts'
import type { Login } from './logins.ts'
import { escapedName, scopeOf } from './names.ts'
import { findNpm, programFolders } from './npm-config.ts'
import type { NpmSettings } from './settings.ts'

const limitMs = 120_000

/** What became of an installation; `leftOut` are optional dependencies that npm went on without. */
export type Installed =
  | { state: 'installed'; version: string; integrity: string | null; leftOut: string[] }
  | { state: 'failed' | 'unknown'; detail: string }

/**
 * Installs the package by its tag in an empty folder, with an empty cache. The package and its dependencies may be hostile, so npm may
 * start no program (no scripts, no git) and knows nothing of this machine; it gets a login only after the registry refused without.
 */
export async function installByTag(context: NpmContext, signal: AbortSignal): Promise<Installed> {
  const { settings } = context
  const npm = await findNpm(context.env, context.projectDir)
  if (!npm) return { state: 'unknown', detail: 'npm is not on PATH, so the package cannot be installed' }
  const login = settings.logins.to(settings.registry)
  const { needsLogin, ...first } = await attempt(npm, context, login.cert ? login : {}, signal)
  if (!needsLogin || login.cert || !(login.token || login.auth)) return first.installed
  return (await attempt(npm, context, login, signal)).installed
}

async function attempt(
  npm: string,
  { settings, env, projectDir, mask }: NpmContext,
  login: Login,
  signal: AbortSignal
): Promise<{ installed: Installed; needsLogin: boolean }> {
  const folder = await mkdtemp(join(tmpdir(), 'pop-npm-'))
  try {
    await writeFile(join(folder, 'package.json'), '{"name":"empty-folder","version":"0.0.0","private":true}\n')
    await writeFile(join(folder, 'guard.cjs'), guard)
    await writeNpmrc(folder, settings, login)
    const result = await runProgram(npm, argumentsFor(settings, folder), {
      cwd: folder,
      env: environmentFor(env, projectDir, folder),
      signal,
      limitMs,
      maxOutput: 1024 * 1024
    })
    if (result.ok) return { installed: await found(settings.name, folder), needsLogin: false }
    return why(settings, result.problem === 'timed_out', mask.text(result.stdout), mask.text(result.stderr))
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/**
 * Loaded into npm before its own code. Before version 11 npm knows no `allow-git`, and prepares a git dependency with an npm whose
 * settings the dependency's .npmrc gives, among them the program to run as git.
 */
const guard = `const programs = require('node:child_process')
const refuse = (program) => {
  throw Object.assign(new Error('npm wants to start ' + (program?.file ?? program)), { code: 'EALLOWGIT' })
}
programs.ChildProcess.prototype.spawn = refuse
for (const name of ['spawnSync', 'execSync', 'execFileSync']) programs[name] = refuse
`

/** Named, because whatever is not named here stays out: tokens of this process, and settings of npm that the user exported. */
const passedOn =
  /^(https?_proxy|no_proxy|node_extra_ca_certs|systemroot|comspec|pathext|volta_home|asdf_dir|asdf_data_dir|mise_data_dir|nvm_dir)$/i

const environmentFor = (env: NodeJS.ProcessEnv, projectDir: string, folder: string): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(env).filter(([name]) => passedOn.test(name))),
  PATH: programFolders(env, projectDir).join(delimiter),
  HOME: folder,
  USERPROFILE: folder,
  TMPDIR: folder,
  TEMP: folder,
  NODE_OPTIONS: `--require ${JSON.stringify(join(folder, 'guard.cjs'))}`
})

const argumentsFor = ({ name, tag, registry }: NpmSettings, folder: string): string[] => {
  const scope = scopeOf(name)
  return [
    'install',
    `${name}@${tag}`,
    scope ? `--${scope}:registry=${registry}` : `--registry=${registry}`,
    `--userconfig=${join(folder, 'npmrc')}`,
    `--globalconfig=${join(folder, 'no-npmrc')}`,
    `--cache=${join(folder, 'cache')}`,
    `--prefix=${folder}`,
    `--git=${join(folder, 'no-git')}`,
    '--allow-git=none',
    '--allow-file=none',
    '--allow-directory=none',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--package-lock',
    '--fetch-retries=1',
    '--fetch-timeout=20000',
    '--loglevel=error',
    '--json'
  ]
}

/** The registries, proxies and certificates of the configuration that reads the registry, and the login. */
async function writeNpmrc(folder: string, { registry, options, proxies }: NpmSettings, login: Login): Promise<void> {
  const place = registry.replace(/^https?:/, '')
  const lines: Record<string, unknown> = {
    proxy: options.proxy,
    'https-proxy': options.httpsProxy,
    noproxy: `${proxies.noProxy},${loopback}`,
    'strict-ssl': options.strictSSL === false ? 'false' : undefined,
    [`${place}:_authToken`]: login.token,
    [`${place}:_auth`]: login.auth
  }
  for (const [key, value] of Object.entries(options)) if (/^(@.*:)?registry$/.test(key)) lines[key] = value
  const files = { cafile: [options.ca ?? []].flat().join('\n'), certfile: login.cert, keyfile: login.key }
  for (const [key, content] of Object.entries(files)) {
    if (!content) continue
    const path = join(folder, `${key}.pem`)
    await writeFile(path, content, { mode: 0o600 })
    lines[key === 'cafile' ? key : `${place}:${key}`] = path
  }
  const text = Object.entries(lines).flatMap(([key, value]) =>
    typeof value === 'string' && value !== '' ? [`${key}=${JSON.stringify(value)}\n`] : []
  )
  await writeFile(join(folder, 'npmrc'), text.join(''), { mode: 0o600 })
}

const dependenciesSchema = z.record(z.string(), z.unknown()).optional()
const lockSchema = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      integrity: z.string().optional(),
      optionalDependencies: dependenciesSchema
    })
  )
})

async function found(name: string, folder: string): Promise<Installed> {
  const manifest = z
    .looseObject({ version: z.string() })
    .safeParse(await readJson(join(folder, 'node_modules', name, 'package.json')))
  const lock = lockSchema.safeParse(await readJson(join(folder, 'package-lock.json')))
  if (!manifest.success) return { state: 'failed', detail: 'npm reported success, but the package is not installed' }
  const packages = lock.success ? lock.data.packages : {}
  const there = new Set(Object.keys(packages).map((path) => path.split('node_modules/').at(-1)))
  const optional = Object.values(packages).flatMap((one) => Object.keys(one.optionalDependencies ?? {}))
  return {
    state: 'installed',
    version: manifest.data.version,
    integrity: packages[`node_modules/${name}`]?.integrity ?? null,
    leftOut: [...new Set(optional)].filter((one) => !there.has(one))
  }
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
function why(
  { name }: NpmSettings,
  timedOut: boolean,
  stdout: string,
  stderr: string
): { installed: Installed; needsLogin: boolean } {
  const unknown = (detail: string) => ({ installed: { state: 'unknown', detail } as const, needsLogin: false })
  if (timedOut) return unknown(`npm did not finish within ${limitMs / 1000} seconds`)
  const parsed = errorSchema.safeParse(tryJson(stdout))
  const { code = null, summary, detail } = parsed.success ? parsed.data.error : {}
  const stopped = code ?? /\bEALLOW[A-Z]+\b/.exec(stderr)?.[0] ?? ''
  if (/^EALLOW/.test(stopped))
    return unknown(
      `not installed: a dependency comes from git or a local folder, and this check takes packages from registries only and starts no other program (${oneLine(detail || summary || stopped, 160)})`
    )
  const said = oneLine(summary || stderr.trim().split('\n')[0] || 'npm gave no reason', 240)
  const aboutUs = mentions(`${summary ?? ''} ${stderr}`, name) || mentions(summary ?? '', escapedName(name))
  const elsewhere =
    /^(ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENOSPC|EACCES|EPERM|ERR_SOCKET|FETCH_ERROR|E5\d\d|E429|EBADPLATFORM|EBADENGINE)/.test(
      code ?? ''
    )
  return {
    installed: {
      state: aboutUs && !elsewhere ? 'failed' : 'unknown',
      detail: `npm install failed${code ? ` with ${oneLine(code, 40)}` : ''}: ${said}`
    },
    needsLogin: /^E(40[134]|NEEDAUTH)$/.test(code ?? '')
  }
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
