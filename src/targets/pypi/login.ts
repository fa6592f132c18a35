import { homedir } from 'node:os'
import { join } from 'node:path'
import { howToTrust, isTrustedHost } from '../../http/trusted-hosts.ts'
import type { Mask } from '../../support/mask.ts'
import { readText } from '../../support/read-text.ts'
import type { TargetContext } from '../target.ts'
import { netrcLogin } from './netrc.ts'
import { pythonConfig } from './python-config.ts'

export interface IndexLogin {
  /** The whole value of the Authorization header. */
  authorization: string
  /** Where it came from. */
  from: string
}

interface Login {
  user: string
  password: string
}

interface LoginSource {
  name: string
  read(): Promise<Login | null> | Login | null
}

export interface FoundLogin {
  login: IndexLogin | null
  /** Where one was looked for. */
  places: string[]
}

/**
 * A login for a private index, from the first place that names the same server: its address in deploy.json, the variables of pip, uv
 * and twine, then what pip and twine keep in files.
 */
export async function findLogin(
  url: URL,
  field: string,
  { env, mask }: Pick<TargetContext, 'env' | 'mask'>
): Promise<FoundLogin> {
  const sources: LoginSource[] = [
    { name: `the address in \`config.${field}\` of deploy.json`, read: () => within(url) },
    ...variables.map((name) => ({
      name,
      read: () => ofAddresses(addressesIn(env[name]), url)
    })),
    { name: 'TWINE_REPOSITORY_URL with TWINE_USERNAME and TWINE_PASSWORD', read: () => ofTwine(env, url) },
    ...pipFiles(env).map((path) => ({ name: path, read: () => ofPip(path, url) })),
    { name: pypirc(env), read: () => ofPypirc(pypirc(env), url) },
    netrcBinds(url, env)
      ? { name: netrc(env), read: () => ofNetrc(netrc(env), url) }
      : { name: `${netrc(env)} (not for ${url.host}: ${whyNotNetrc(url)})`, read: () => null }
  ]
  const places = sources.map(({ name }) => name)
  let alone: (Login & { from: string }) | null = null
  for (const { name: from, read } of sources) {
    const found = await read()
    if (found?.password) return { login: headerOf({ ...found, from }, mask), places }
    if (found) alone ??= { ...found, from }
  }
  return { login: alone && headerOf(alone, mask), places }
}

/** A name alone is a token ("single-part authentication" of pip), unless a later place has its password. */
function headerOf({ user, password, from }: Login & { from: string }, mask: Mask): IndexLogin {
  const packed = Buffer.from(`${user}:${password}`).toString('base64')
  for (const secret of [password || user, packed]) mask.add(secret)
  return { authorization: `Basic ${packed}`, from }
}

const variables = [
  'PIP_INDEX_URL',
  'PIP_EXTRA_INDEX_URL',
  'UV_DEFAULT_INDEX',
  'UV_INDEX',
  'UV_INDEX_URL',
  'UV_EXTRA_INDEX_URL'
]

/** uv takes a name before an address. */
const addressesIn = (value: string | undefined): URL[] =>
  (value?.split(/\s+/) ?? [])
    .map((one) => one.replace(/^[\w-]+=(?=https?:)/, ''))
    .filter((one) => URL.canParse(one))
    .map((one) => new URL(one))

function within({ username, password }: URL): Login | null {
  return username || password ? { user: decoded(username), password: decoded(password) } : null
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const ofAddresses = (addresses: readonly URL[], { origin }: URL): Login | null =>
  addresses
    .filter((one) => one.origin === origin)
    .map(within)
    .find((one) => one !== null) ?? null

function ofTwine({ TWINE_REPOSITORY_URL, TWINE_USERNAME, TWINE_PASSWORD }: NodeJS.ProcessEnv, url: URL): Login | null {
  const same = addressesIn(TWINE_REPOSITORY_URL).some(({ origin }) => origin === url.origin)
  return same && TWINE_PASSWORD ? { user: TWINE_USERNAME || '__token__', password: TWINE_PASSWORD } : null
}

const homeOf = (env: NodeJS.ProcessEnv): string => env.HOME || env.USERPROFILE || homedir()

/** pip.pypa.io/en/stable/topics/configuration: a file that a variable names, of the virtual environment, of the user, of the machine. */
function pipFiles(env: NodeJS.ProcessEnv): string[] {
  const home = homeOf(env)
  const name = process.platform === 'win32' ? 'pip.ini' : 'pip.conf'
  return [
    ...(env.PIP_CONFIG_FILE ? [env.PIP_CONFIG_FILE] : []),
    ...(env.VIRTUAL_ENV ? [join(env.VIRTUAL_ENV, name)] : []),
    ...(env.APPDATA ? [join(env.APPDATA, 'pip', name)] : []),
    ...(process.platform === 'darwin' ? [join(home, 'Library/Application Support/pip', name)] : []),
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'pip', name),
    join(home, process.platform === 'win32' ? 'pip' : '.pip', name),
    ...(process.platform === 'win32' ? [] : ['/etc/pip.conf'])
  ]
}

const pypirc = (env: NodeJS.ProcessEnv): string => join(homeOf(env), '.pypirc')

const netrc = (env: NodeJS.ProcessEnv): string => env.NETRC || join(homeOf(env), '.netrc')

const textOf = (path: string): Promise<string> => readText(path, 1024 * 1024).catch(() => '')

async function ofPip(path: string, url: URL): Promise<Login | null> {
  const sections = pythonConfig(await textOf(path))
  const addresses = ['install', 'download', 'index', 'global'].flatMap((section) =>
    ['index-url', 'extra-index-url'].flatMap((field) => addressesIn(sections.get(section)?.get(field)))
  )
  return ofAddresses(addresses, url)
}

async function ofPypirc(path: string, url: URL): Promise<Login | null> {
  for (const fields of pythonConfig(await textOf(path)).values()) {
    const [repository] = addressesIn(fields.get('repository'))
    const password = fields.get('password')
    if (repository?.origin !== url.origin) continue
    if (password) return { user: fields.get('username') || '__token__', password }
    const own = within(repository)
    if (own) return own
  }
  return null
}

/**
 * netrc names hosts without a protocol or a port, so a password of it goes to another port of another machine only when the user vouches
 * for it, and never over plain http.
 */
const netrcBinds = ({ host, hostname, protocol, port }: URL, env: NodeJS.ProcessEnv): boolean =>
  /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname) ||
  (protocol === 'https:' && (port === '' || isTrustedHost(env, host)))

const whyNotNetrc = ({ host, protocol }: URL): string =>
  protocol === 'https:' ? `it names no port. ${howToTrust(host)}` : 'a password is not sent over plain http'

async function ofNetrc(path: string, { hostname }: URL): Promise<Login | null> {
  const found = netrcLogin(await textOf(path), hostname)
  return found && { user: found.login, password: found.password }
}
