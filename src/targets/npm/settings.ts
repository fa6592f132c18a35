import { join } from 'node:path'
import fetch from 'npm-registry-fetch'
import { z } from 'zod'
import { ConfigError } from '../../support/errors.ts'
import type { Mask } from '../../support/mask.ts'
import { readText } from '../../support/read-text.ts'
import { oneLine } from '../../support/text.ts'
import type { TargetContext } from '../target.ts'
import type { NpmConfig } from './config.ts'
import { packageName, scopeOf, tagName } from './names.ts'
import { loadNpmOptions, type NpmOptions } from './npm-config.ts'

/** What this target is about, settled from deploy.json, package.json and the npm configuration. */
export interface NpmSettings {
  name: string
  tag: string
  /** Without credentials, ends with a slash. */
  registry: string
  options: NpmOptions
  deprecate: boolean
  /** What was assumed, for people. */
  notes: string[]
}

const usualRegistry = 'https://registry.npmjs.org/'

const manifestSchema = z.looseObject({
  name: z.string().optional(),
  publishConfig: z.record(z.string(), z.unknown()).optional()
})

/** @throws ConfigError when no package is named, or a name, tag or registry is not valid. */
export async function settle(context: TargetContext<NpmConfig>): Promise<NpmSettings> {
  const { config, projectDir, env, mask } = context
  const manifest = await readManifest(projectDir)
  const stated = config.package ?? manifest?.name
  if (!stated)
    throw new ConfigError({
      what: 'The npm package is not configured',
      why: '`config.package` in deploy.json and `name` in package.json are both missing',
      next: 'Set `config.package` of the target in deploy.json.',
      code: 'no_package'
    })
  const name = packageName(stated)
  const ofManifest = manifest?.name === name ? (manifest.publishConfig ?? {}) : {}
  const options = await loadNpmOptions(projectDir, env, mask)
  const { registry, because } = chooseRegistry(name, config, ofManifest, options)
  const tag = tagName(config.tag ?? textOf(ofManifest.tag) ?? 'latest')
  const notes = [
    ...(because ? [`The registry is ${shown(registry)}: ${because}.`] : []),
    ...(!config.tag && ofManifest.tag ? [`The dist-tag is ${tag}: publishConfig in package.json says so.`] : []),
    ...(config.dry_run ? ['`dry_run` in deploy.json concerns publishing only; rollbacks ignore it.'] : [])
  ]
  return {
    name,
    tag,
    registry: withoutCredentials(registry, options, mask),
    options,
    deprecate: config.deprecate ?? true,
    notes
  }
}

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

/** Moves a name and password out of the URL to where requests take them from, so that the URL may be shown. */
function withoutCredentials(text: string, options: NpmOptions, mask: Mask): string {
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
  if (url.username || url.password) {
    const password = decodeURIComponent(url.password)
    const packed = Buffer.from(`${decodeURIComponent(url.username)}:${password}`).toString('base64')
    mask.add(password)
    mask.add(packed)
    options[`//${url.host}${url.pathname}:_auth`] ??= packed
    url.username = ''
    url.password = ''
  }
  return url.href
}

const shown = (registry: string): string => (URL.canParse(registry) ? new URL(registry).host : 'not an address')

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined)

async function readManifest(projectDir: string): Promise<z.infer<typeof manifestSchema> | null> {
  const text = await readText(join(projectDir, 'package.json')).catch(() => null)
  if (text === null) return null
  try {
    return manifestSchema.parse(JSON.parse(text.replace(/^\ufeff/, '')))
  } catch (error) {
    throw new ConfigError({
      what: 'package.json cannot be read',
      why: oneLine(error instanceof z.ZodError ? z.prettifyError(error) : String(error)),
      next: 'Correct package.json.',
      code: 'bad_manifest'
    })
  }
}
