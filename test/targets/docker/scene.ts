import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { JsonObject } from '../../../src/model/json.ts'
import { type Answer, type BuiltServer, startServer } from '../../../testkit/built-server.ts'
import type { World } from '../../../testkit/docker/world.ts'
import { type TestProject, testProject } from '../../../testkit/project.ts'

/** A project with deploy.json for a world's containers, and built servers in it. */
export interface Scene {
  project: TestProject
  serve(env?: Record<string, string>): Promise<BuiltServer>
  /** Every file of the project, by path. */
  files(): Promise<Record<string, string>>
  close(): Promise<void>
}

export async function createScene(world: World, config: JsonObject = {}, history?: JsonObject[]): Promise<Scene> {
  const slash = world.repository.indexOf('/')
  const project = await testProject({
    version: '1.0',
    project_name: world.prefix,
    targets: {
      docker: {
        enabled: true,
        primary: true,
        config: {
          image_name: world.repository.slice(slash + 1),
          registry: world.repository.slice(0, slash),
          health_timeout_seconds: 20,
          settle_seconds: 1,
          rollback: { soak_seconds: 1, max_attempts: 50 },
          ...config
        }
      }
    },
    history: history ?? [
      historyRecord('1.2.0', 'failed', '2026-03-18T14:30:00Z'),
      historyRecord('1.1.0', 'success', '2026-03-10T09:00:00Z')
    ]
  })
  const servers: BuiltServer[] = []
  return {
    project,
    async serve(env = {}) {
      const server = await startServer({ projectDir: project.dir, env })
      servers.push(server)
      return server
    },
    async files() {
      const found: Record<string, string> = {}
      for (const entry of await readdir(project.dir, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name)
        if (entry.isFile()) found[path] = await readFile(path, 'utf8')
      }
      return found
    },
    async close() {
      for (const server of servers.splice(0)) await server.close().catch(() => undefined)
      await project.remove()
    }
  }
}

export const historyRecord = (version: string, status: string, timestamp: string, digest?: string): JsonObject => ({
  timestamp,
  target: 'docker',
  version,
  status,
  commit_sha: null,
  duration_ms: 1000,
  error: null,
  rollback_to: null,
  ...(digest ? { digest } : {})
})

export const execute = (server: BuiltServer, { plan }: Answer, more: Record<string, unknown> = {}): Promise<Answer> =>
  server.call('execute_rollback', { target: 'docker', version: plan.version, plan_id: plan.id, ...more })

/** Resolves when the engine tells of the event, "rename popt1234-web-popkit-old": the moments at which a process may die. */
export function watchEvents(matches: (line: string) => boolean): {
  seen: Promise<string>
  stop(): void
  lines: string[]
} {
  const child = spawn(
    'docker',
    ['events', '--filter', 'type=container', '--format', '{{.Action}} {{.Actor.Attributes.name}}'],
    {
      stdio: ['ignore', 'pipe', 'ignore']
    }
  )
  const lines: string[] = []
  const seen = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line)
      if (matches(line)) resolve(line)
    })
  })
  return { seen, stop: () => void child.kill(), lines }
}
