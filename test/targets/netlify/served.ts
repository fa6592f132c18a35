import type { JsonObject } from '../../../src/model/json.ts'
import { type Answer, type BuiltServer, startServer } from '../../../testkit/built-server.ts'
import { type TestProject, testProject } from '../../../testkit/project.ts'
import { envOf, test as onNetlify } from './scene.ts'

interface Served {
  /** Further settings of the target. */
  config: JsonObject
  /** Deployed to the test's Netlify. */
  project: TestProject
  /** A built server in the project, with further variables. */
  serve(env?: Record<string, string>): Promise<BuiltServer>
}

export const test = onNetlify.extend<Served>({
  config: {},
  async project({ netlify, config: more }, use) {
    const config = { site_id: netlify.siteId, rollback: { soak_seconds: 0 }, ...more }
    const project = await testProject({ version: '1.0', targets: { netlify: { enabled: true, config } }, history: [] })
    await use(project)
    await project.remove()
  },
  async serve({ netlify, project }, use) {
    const servers: BuiltServer[] = []
    await use(async (env = {}) => {
      const server = await startServer({
        projectDir: project.dir,
        env: { ...envOf(netlify), HOME: project.dir, ...env }
      })
      servers.push(server)
      return server
    })
    for (const server of servers) await server.close().catch(() => undefined)
  }
})

export const execute = (server: BuiltServer, { plan }: Answer, more: Record<string, unknown> = {}): Promise<Answer> =>
  server.call('execute_rollback', { target: 'netlify', version: plan.version, plan_id: plan.id, ...more })
