import type { JsonObject } from '../../../src/model/json.ts'
import { type Answer, type BuiltServer, startServer } from '../../../testkit/built-server.ts'
import { type TestProject, testProject } from '../../../testkit/project.ts'
import type { FakeVercel } from '../../fakes/vercel/server.ts'
import { onVercel } from './on-vercel.ts'

export interface Served {
  /** Deployed to the test's Vercel. */
  project: TestProject
  /** A built server in the project, with further variables. */
  serve(env?: Record<string, string>): Promise<BuiltServer>
}

/** A deploy.json that names a Vercel. */
export function deployedTo({ projectId, teamId }: FakeVercel, more: JsonObject = {}): JsonObject {
  const config = { project_id: projectId, team_id: teamId, rollback: { soak_seconds: 0 }, ...more }
  return { version: '1.0', targets: { vercel: { enabled: true, config } }, history: [] }
}

export const test = onVercel().extend<Served>({
  async project({ vercel }, use) {
    const project = await testProject(deployedTo(vercel))
    await use(project)
    await project.remove()
  },
  async serve({ vercel, project }, use) {
    const servers: BuiltServer[] = []
    await use(async (env = {}) => {
      const server = await startServer({ projectDir: project.dir, env: { HOME: project.dir, ...vercel.env, ...env } })
      servers.push(server)
      return server
    })
    for (const server of servers) await server.close().catch(() => undefined)
  }
})

export const execute = (server: BuiltServer, { plan }: Answer, more: Record<string, unknown> = {}): Promise<Answer> =>
  server.call('execute_rollback', { target: 'vercel', version: plan.version, plan_id: plan.id, ...more })
