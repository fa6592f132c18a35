import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuiltServer, type ServerOptions, startServer } from '../../../testkit/built-server.ts'
import { historyRecord } from '../../../testkit/history-record.ts'
import { npmrc } from '../../../testkit/npm/registry.ts'
import { filesBelow } from '../../../testkit/project.ts'
import type { Bench, Project } from './package-fixture.ts'
import type { Fault } from './proxy.ts'

export interface Deployment {
  made: Project
  token: string
  serve(options?: Partial<ServerOptions>): Promise<BuiltServer>
  /** Puts a fault between the server and the registry. */
  fault(fault: Fault): Promise<string[]>
  /** Everything below the project folder, by path. */
  files(): Promise<Record<string, string>>
}

/** A project with deploy.json whose package has a good 1.1.0 and a broken 1.2.0; the user's npmrc takes the token from the environment. */
export async function deployment(
  { backend, fresh, behind }: Bench,
  servers: BuiltServer[],
  token = backend.writer ?? ''
): Promise<Deployment> {
  const made = await fresh()
  await made.publish('1.1.0')
  await made.publish('1.2.0')
  const placeholder = '$'.concat('{POP_NPM_TOKEN}')
  await writeFile(join(made.dir, 'user-npmrc'), npmrc(backend.url ?? '', placeholder))
  await mkdir(join(made.dir, '.claude/popkit'), { recursive: true })
  await writeFile(join(made.dir, '.claude/popkit/deploy.json'), JSON.stringify(deployFile, null, 2))
  return {
    made,
    token,
    async serve(options = {}) {
      const server = await startServer({
        projectDir: made.dir,
        env: { ...environment(made), POP_NPM_TOKEN: token },
        ...options
      })
      servers.push(server)
      return server
    },
    fault: async (fault) => (await behind(made, fault, placeholder)).log,
    files: () => filesBelow(made.dir)
  }
}

const environment = ({ env }: Project): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))

const deployFile = {
  version: '1.0',
  project_name: 'demo',
  targets: {
    npm: { enabled: true, primary: true, config: { tag: 'latest', access: 'public', rollback: { soak_seconds: 0 } } }
  },
  history: [
    historyRecord('npm', '1.2.0', 'failed', '2026-03-18T14:30:00Z', { error: 'users report: cannot find module' }),
    historyRecord('npm', '1.1.0', 'success', '2026-03-10T09:00:00Z')
  ]
}
