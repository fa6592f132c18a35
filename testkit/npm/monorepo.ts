import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '../../src/model/json.ts'
import { historyRecord } from '../history-record.ts'
import { type TestProject, testProject } from '../project.ts'
import { type Publication, publish } from './publish.ts'
import { npmrc, packumentOf } from './registry.ts'

/** The packages, by the names of their targets: `cli` and `ui` pull `core`. */
export const monorepoTargets = ['core', 'cli', 'ui'] as const
type PackageTarget = (typeof monorepoTargets)[number]

export interface Monorepo extends TestProject {
  /** The name of a target's package. */
  nameOf(target: string): string
  /** What the host needs so that nothing of the machine's own npm configuration is seen. */
  env: Record<string, string>
  publish(target: PackageTarget, version: string): Promise<string>
  /** What installing each package by its tag gives. */
  latest(): Promise<Record<PackageTarget, string | undefined>>
  deprecation(target: string, version: string): Promise<string | undefined>
}

interface Options {
  soakSeconds?: number
  /** Further fields of deploy.json. */
  deployFile?: JsonObject
  /** Further targets, with their records. */
  targets?: JsonObject
  history?: JsonObject[]
}

let count = 0

const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString()

/** A project of three packages of one registry: 1.1.0 of each served, and 1.2.0 of all was published in one run, broken in `core`. */
export async function monorepo(registry: Record<string, string>, options: Options = {}): Promise<Monorepo> {
  const { url = '', writer = '' } = registry
  const { soakSeconds = 0, deployFile = {}, targets = {}, history = [] } = options
  const prefix = `pop-mono-${process.pid}-${Date.now().toString(36)}-${count++}`
  const nameOf = (target: string): string => `${prefix}-${target}`
  const config = (target: string) => ({
    package: nameOf(target),
    tag: 'latest',
    rollback: { soak_seconds: soakSeconds, max_attempts: 50 }
  })
  const records = (version: string, minutes: number, status: (target: string) => 'success' | 'failed') =>
    monorepoTargets.map((target, index) => historyRecord(target, version, status(target), minutesAgo(minutes - index)))
  const project = await testProject({
    version: '1.0',
    project_name: prefix,
    targets: {
      ...Object.fromEntries(
        monorepoTargets.map((name) => [
          name,
          { type: 'npm', enabled: true, primary: name === 'core', config: config(name) }
        ])
      ),
      ...targets
    },
    history: [
      ...records('1.2.0', 20, (target) => (target === 'core' ? 'failed' : 'success')),
      ...records('1.1.0', 60 * 24, () => 'success'),
      ...history
    ],
    ...deployFile
  })
  await writeFile(join(project.dir, 'package.json'), JSON.stringify({ name: prefix, private: true }))
  const userconfig = join(project.dir, 'user-npmrc')
  await writeFile(userconfig, npmrc(url, '$'.concat('{POP_GROUP_TOKEN}')))
  const put = (target: PackageTarget, version: string): Promise<string> =>
    publish(url, writer, { name: nameOf(target), version, ...contentOf(target, version, nameOf) })
  for (const version of ['1.1.0', '1.2.0']) for (const target of monorepoTargets) await put(target, version)
  return {
    ...project,
    nameOf,
    env: {
      npm_config_userconfig: userconfig,
      npm_config_globalconfig: join(project.dir, 'no-npmrc'),
      npm_config_cache: join(project.dir, '.cache'),
      POP_GROUP_TOKEN: writer
    },
    publish: put,
    async latest() {
      const tags = monorepoTargets.map(async (target) => [target, (await packumentOf(url, nameOf(target))).tags.latest])
      return Object.fromEntries(await Promise.all(tags)) as Record<PackageTarget, string | undefined>
    },
    deprecation: async (target, version) => (await packumentOf(url, nameOf(target))).deprecated(version)
  }
}

/** `core` 1.2.0 forgot one of its files. */
function contentOf(
  target: PackageTarget,
  version: string,
  nameOf: (target: string) => string
): Pick<Publication, 'files' | 'manifest'> {
  if (target === 'core')
    return {
      files: {
        'index.js': "module.exports = require('./greeting.js')\n",
        ...(version === '1.2.0' ? {} : { 'greeting.js': `module.exports = 'hello from core ${version}'\n` })
      }
    }
  const core = nameOf('core')
  return {
    manifest: { dependencies: { [core]: '^1.0.0' } },
    files: { 'index.js': `module.exports = '${target} ${version}: ' + require('${core}')\n` }
  }
}
