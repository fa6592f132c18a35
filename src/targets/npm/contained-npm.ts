import { writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { loopback } from '../../http/proxy.ts'
import type { NpmContext } from './context.ts'
import type { Login } from './logins.ts'
import { scopeOf } from './names.ts'
import { programFolders } from './npm-config.ts'
import type { NpmSettings } from './settings.ts'

/**
 * Makes a folder ready for an npm that installs a package which may be hostile: it may start no program, knows nothing of this machine
 * but the registries, proxies and certificates of the configuration, and has no login but the one given.
 * @returns its arguments and its whole environment.
 */
export async function containedNpm(
  folder: string,
  { settings, env, projectDir }: NpmContext,
  login: Login
): Promise<{ args: string[]; variables: NodeJS.ProcessEnv }> {
  await writeFile(join(folder, 'package.json'), '{"name":"empty-folder","version":"0.0.0","private":true}\n')
  await writeFile(join(folder, 'guard.cjs'), guard)
  await writeNpmrc(folder, settings, login)
  return { args: argumentsFor(settings, folder), variables: environmentFor(env, projectDir, folder) }
}

/**
 * Loaded into npm before its own code. Before version 11 npm knows no `allow-git`, and prepares a git dependency with an npm whose
 * settings the dependency's .npmrc gives, among them the program to run as git. npm itself reads answers and unpacks archives without
 * a limit, so it is ended when it takes 2 GiB of memory or the disk has lost 4 GiB.
 */
const guard = `const programs = require('node:child_process')
const refuse = (program) => {
  throw Object.assign(new Error('npm wants to start ' + (program?.file ?? program)), { code: 'EALLOWGIT' })
}
programs.ChildProcess.prototype.spawn = refuse
for (const name of ['spawnSync', 'execSync', 'execFileSync']) programs[name] = refuse

const { statfsSync } = require('node:fs')
const free = () => {
  const { bavail, bsize } = statfsSync(__dirname)
  return bavail * bsize
}
const atFirst = free()
setInterval(() => {
  if (process.memoryUsage.rss() > 2 ** 31 || atFirst - free() > 2 ** 32) process.kill(process.pid, 'SIGKILL')
}, 100).unref()
`

/** Named, because whatever is not named here stays out: tokens of this process, and settings of npm that the user exported. */
const passedOn =
  /^(https?_proxy|no_proxy|node_extra_ca_certs|systemroot|comspec|pathext|volta_home|asdf_dir|asdf_data_dir|mise_data_dir|nvm_dir|corepack_home)$/i

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
