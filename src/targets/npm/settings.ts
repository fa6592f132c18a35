import { join } from 'node:path'
import fetch from 'npm-registry-fetch'
import { z } from 'zod'
import { type Proxies, proxiesOf } from '../../http/proxy.ts'
import { ConfigError } from '../../support/errors.ts'
import type { Mask } from '../../support/mask.ts'
import { oneLine } from '../../support/text.ts'
import type { TargetContext } from '../target.ts'
import type { NpmConfig } from './config.ts'
import { type Logins, openLogins, type Place, usualRegistry } from './logins.ts'
import { packageName, scopeOf, tagName } from './names.ts'
import { loadNpmOptions, type NpmOptions } from './npm-config.ts'
import { type ProjectNpmrc, readProjectNpmrc } from './project-npmrc.ts'
import { type PackageManifest, published, readManifest, workspacePackages } from './workspaces.ts'

/** What this target is about, settled from deploy.json, package.json and the npm configuration. */
export interface NpmSettings {
  name: string
  tag: string
  /** Without credentials, ends with a slash. */
  registry: string
  /** The user's npm configuration, with the registries that the project names. */
  options: NpmOptions
  logins: Logins
  proxies: Proxies
  deprecate: boolean | 'between'
  /** The other packages of the project's workspaces. */
  siblings: string[]
  /** What was assumed, for people. */
  notes: string[]
}

/** @throws ConfigError when no package is named, or a name, tag or registry is not valid. */
export async function settle(context: TargetContext<NpmConfig>): Promise<NpmSettings> {
  const { config, projectDir, env, mask } = context
  const root = await rootManifest(projectDir)
  const packages = await workspacePackages(projectDir)
  const stated = config.package ?? ownName(root, published(packages))
  const name = packageName(stated)
  const manifest = [...(root ? [root] : []), ...packages].find((one) => one.name === name)
  const ofManifest = manifest?.publishConfig ?? {}
  const { options: user, userFile } = await loadNpmOptions(projectDir, env, mask)
  const npmrc = userFile === join(projectDir, '.npmrc') ? noNpmrc : await readProjectNpmrc(projectDir)
  const options = { ...user, ...notInEnvironment(npmrc.registries, env) }
  const { registry: named, because } = chooseRegistry(name, config, ofManifest, options)
  if (env.NPM_TOKEN) mask.add(env.NPM_TOKEN)
  const place = withoutCredentials(named, mask)
  const logins = openLogins(user, env, place)
  const tag = tagName(config.tag ?? textOf(ofManifest.tag) ?? 'latest')
  const notes = [
    ...(because ? [`The registry is ${new URL(place.registry).host}: ${because}.`] : []),
    ...(logins.withheld ? [`${logins.withheld.why}. ${logins.withheld.next}`] : []),
    ...(npmrc.ignored.length > 0 ? [ignoredNote(npmrc)] : []),
    ...(!config.tag && ofManifest.tag ? [`The dist-tag is ${tag}: publishConfig in package.json says so.`] : []),
    ...(config.dry_run ? ['`dry_run` in deploy.json concerns publishing only; rollbacks ignore it.'] : [])
  ]
  return {
    name,
    tag,
    registry: place.registry,
    options,
    logins,
    proxies: proxiesFor(user, env),
    deprecate: config.deprecate ?? true,
    siblings: packages.flatMap((one) => (one.name && one.name !== name ? [one.name] : [])),
    notes
  }
}

const noNpmrc: ProjectNpmrc = { registries: {}, ignored: [] }

/** As in npm, a variable `npm_config_…` wins over the project's npmrc. */
function notInEnvironment(registries: Record<string, string>, env: NodeJS.ProcessEnv): Record<string, string> {
  const set = new Set(Object.keys(env).map((name) => name.toLowerCase()))
  return Object.fromEntries(Object.entries(registries).filter(([key]) => !set.has(`npm_config_${key}`)))
}

/** Those of the npm configuration, else those of the environment. npm itself asks the proxy for https for everything. */
function proxiesFor({ proxy, httpsProxy, noProxy }: NpmOptions, env: NodeJS.ProcessEnv): Proxies {
  const ofEnvironment = proxiesOf(env)
  const stated = textOf(httpsProxy) ?? textOf(proxy)
  return {
    httpProxy: stated ?? ofEnvironment.httpProxy,
    httpsProxy: stated ?? ofEnvironment.httpsProxy,
    noProxy: textOf(noProxy) ?? ofEnvironment.noProxy
  }
}

const ignoredNote = ({ ignored }: ProjectNpmrc): string =>
  `The project's .npmrc may only name registries; ignored: ${ignored.slice(0, 5).join(', ')}${ignored.length > 5 ? ` and ${ignored.length - 5} more` : ''}. What you need of them belongs in your own npmrc: \`npm config set <name> <value> --location=user\`.`

function chooseRegistry(
  name: string,
  config: NpmConfig,
  publishConfig: Record<string, unknown>,
  options: NpmOptions
): { registry: string; because?: string } {
  const scope = scopeOf(name)
  if (config.registry) return { registry: config.registry }
  const ofManifest = (scope && textOf(publishConfig[`${scope}:registry`])) || textOf(publishConfig.registry)
  if (ofManifest) return { registry: ofManifest, because: 'publishConfig in package.json names it' }
  const registry = fetch.pickRegistry(name, options)
  return registry === usualRegistry ? { registry } : { registry, because: 'the npm configuration names it' }
}

/** Takes a name and password out of the URL, so that it may be shown. */
function withoutCredentials(text: string, mask: Mask): Place {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol))
    throw new ConfigError({
      what: 'The address of the npm registry is not valid',
      why: `"${oneLine(mask.text(text), 100)}" is not an http or https address`,
      next: 'Correct `config.registry` in deploy.json, or `registry` in the npm configuration.',
      code: 'bad_registry'
    })
  url.search = ''
  url.hash = ''
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  if (!url.username && !url.password) return { registry: url.href }
  const password = decodeURIComponent(url.password)
  const ownAuth = Buffer.from(`${decodeURIComponent(url.username)}:${password}`).toString('base64')
  mask.add(password)
  mask.add(ownAuth)
  url.username = ''
  url.password = ''
  return { registry: url.href, ownAuth }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined)

async function rootManifest(projectDir: string): Promise<PackageManifest | null> {
  try {
    return await readManifest(projectDir)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null
    throw new ConfigError({
      what: 'package.json cannot be read',
      why: oneLine(error instanceof z.ZodError ? z.prettifyError(error) : String(error)),
      next: 'Correct package.json.',
      code: 'bad_manifest'
    })
  }
}

/** A private root package is none that is published; its workspaces have those. */
function ownName(root: PackageManifest | null, packages: readonly { name: string }[]): string {
  if (root?.name && !(root.private && packages.length > 0)) return root.name
  const [first, ...others] = packages
  if (first && others.length === 0) return first.name
  throw new ConfigError({
    what: 'The npm package is not configured',
    why: first
      ? `package.json is private, and its workspaces have several packages: ${oneLine(packages.map(({ name }) => name).join(', '), 400)}`
      : '`config.package` in deploy.json and `name` in package.json are both missing',
    next: first
      ? 'Add a target for each to deploy.json: {"type": "npm", "config": {"package": NAME}}.'
      : 'Set `config.package` of the target in deploy.json.',
    code: 'no_package'
  })
}
