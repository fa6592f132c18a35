import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '../../src/model/json.ts'
import { type Answer, type BuiltServer, startServer } from '../built-server.ts'
import { type TestProject, testProject } from '../project.ts'
import type { Cluster } from './cluster.ts'

/** A project whose deploy.json names workloads of a cluster, and built servers in it. */
export interface Scene {
  project: TestProject
  serve(kubeconfig?: string, env?: Record<string, string>): Promise<BuiltServer>
  /** Every file of the project, as one text. */
  text(): Promise<string>
  close(): Promise<void>
}

export async function createScene(
  cluster: Cluster,
  config: JsonObject,
  history: readonly JsonObject[] = []
): Promise<Scene> {
  const project = await testProject({
    version: '1.0',
    project_name: cluster.namespace,
    targets: {
      kubernetes: {
        enabled: true,
        primary: true,
        config: { namespace: cluster.namespace, rollback: { soak_seconds: 1, max_attempts: 50 }, ...config }
      }
    },
    history: [...history]
  })
  const servers: BuiltServer[] = []
  return {
    project,
    async serve(kubeconfig = cluster.kubeconfig, env = {}) {
      const server = await startServer({ projectDir: project.dir, env: { KUBECONFIG: kubeconfig, ...env } })
      servers.push(server)
      return server
    },
    async text() {
      const entries = await readdir(project.dir, { recursive: true, withFileTypes: true })
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
      return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n')
    },
    async close() {
      for (const server of servers.splice(0)) await server.close().catch(() => undefined)
      await project.remove()
    }
  }
}

export const historyRecord = (version: string, status: string, timestamp: string): JsonObject => ({
  timestamp,
  target: 'kubernetes',
  version,
  status,
  commit_sha: null,
  duration_ms: 1000,
  error: null,
  rollback_to: null
})

/** Carries out the plan of an assessment, with every serious risk accepted. */
export const execute = (server: BuiltServer, { plan, risks }: Answer, more: JsonObject = {}): Promise<Answer> =>
  server.call('execute_rollback', {
    target: 'kubernetes',
    version: plan.version,
    plan_id: plan.id,
    accept: risks.filter(({ serious }: Answer) => serious).map(({ id }: Answer) => id),
    ...more
  })
