import type { JsonObject } from '../../src/model/json.ts'
import { type Answer, type BuiltServer, type ServerOptions, startServer } from '../../testkit/built-server.ts'
import { historyRecord } from '../../testkit/history-record.ts'
import { type TestProject, testProject } from '../../testkit/project.ts'

export interface Deployed {
  project: TestProject
  serve(options?: Partial<ServerOptions>): Promise<BuiltServer>
  /** Calls execute_rollback with the plan that an assessment showed. */
  execute(server: BuiltServer, assessment: Answer, more?: Record<string, unknown>): Promise<Answer>
  /** Finishes or undoes an interrupted rollback, as an assessment offers it. */
  resume(server: BuiltServer, way: Answer): Promise<Answer>
  /** Everything below the project folder, by path. */
  files(): Promise<Record<string, string>>
  remove(): Promise<void>
}

/** A project whose deploy.json records a good version and then a failed one of one target. */
export async function deployed(
  target: string,
  config: JsonObject,
  versions: { good: string; failed: string },
  env: Record<string, string>
): Promise<Deployed> {
  const project = await testProject({
    version: '1.0',
    project_name: 'demo',
    targets: { [target]: { enabled: true, primary: true, config: { rollback: { soak_seconds: 0 }, ...config } } },
    history: [
      historyRecord(target, versions.failed, 'failed', '2026-03-18T14:30:00Z', {
        error: 'users report: it does not start'
      }),
      historyRecord(target, versions.good, 'success', '2026-03-10T09:00:00Z')
    ]
  })
  const servers: BuiltServer[] = []
  return {
    project,
    async serve(options = {}) {
      const server = await startServer({ projectDir: project.dir, env: { HOME: project.dir, ...env }, ...options })
      servers.push(server)
      return server
    },
    execute: (server, { plan }, more = {}) =>
      server.call('execute_rollback', { target, version: plan.version, plan_id: plan.id, ...more }),
    resume: (server, { id, version }) => server.call('execute_rollback', { target, version, plan_id: id }),
    files: project.files,
    async remove() {
      for (const server of servers) await server.close().catch(() => undefined)
      await project.remove()
    }
  }
}
