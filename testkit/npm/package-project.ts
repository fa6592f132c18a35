import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestProject, testProject } from '../project.ts'
import { publish } from './publish.ts'
import { npmrc, packumentOf } from './registry.ts'

export interface NpmProject extends TestProject {
  name: string
  /** What the host needs so that nothing of the machine's own npm configuration is seen. */
  env: Record<string, string>
  /** What the registry serves as latest, asked plainly. */
  latest(): Promise<string | undefined>
  deprecation(version: string): Promise<string | undefined>
}

let count = 0

/** A project whose package was published well as 1.0.0 and 1.1.0, and broken as 1.2.0. */
export async function npmProject(registry: Record<string, string>, soakSeconds = 1): Promise<NpmProject> {
  const { url = '', writer = '' } = registry
  const name = `pop-host-${process.pid}-${Date.now().toString(36)}-${count++}`
  const record = (version: string, day: number, status = 'success') => ({
    timestamp: `2026-01-0${day}T10:00:00.000Z`,
    target: 'npm',
    version,
    status
  })
  const project = await testProject({
    version: '1.0',
    project_name: name,
    targets: { npm: { enabled: true, primary: true, config: { rollback: { soak_seconds: soakSeconds } } } },
    history: [record('1.2.0', 3, 'failed'), record('1.1.0', 2), record('1.0.0', 1)]
  })
  await writeFile(join(project.dir, 'package.json'), JSON.stringify({ name, version: '1.2.0' }))
  const userconfig = join(project.dir, 'user-npmrc')
  await writeFile(userconfig, npmrc(url, writer))
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) await publish(url, writer, { name, version })
  return {
    ...project,
    name,
    env: {
      npm_config_userconfig: userconfig,
      npm_config_globalconfig: join(project.dir, 'no-npmrc'),
      npm_config_cache: join(project.dir, '.cache')
    },
    latest: async () => (await packumentOf(url, name)).tags.latest,
    deprecation: async (version) => (await packumentOf(url, name)).deprecated(version)
  }
}
