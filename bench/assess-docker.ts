import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { build } from '../scripts/build.ts'
import backend from '../testkit/backends/docker.ts'
import { startServer } from '../testkit/built-server.ts'
import { docker, makeImage } from '../testkit/docker/images.ts'
import { createWorld } from '../testkit/docker/world.ts'
import { testProject } from '../testkit/project.ts'
import { inTurns, printRatios } from './support/turns.ts'

/**
 * How long an assessment takes on an engine that runs many other containers, in turns with one that hides them.
 * usage: npx tsx bench/assess-docker.ts [rounds] [others]
 */
const rounds = Number(process.argv[2] ?? 15)
const others = Number(process.argv[3] ?? 100)

const brought = await backend.bring()
if ('missing' in brought) throw new Error(brought.missing)
const { registry = '', host = 'unix:///var/run/docker.sock' } = brought.env
await build()
const world = createWorld(registry)
const other = `${world.repository}-other`
const socket = host.replace('unix://', '')

/** An engine that asks the real one; `hides` leaves the others out of its list. */
async function relay(name: string, hides: boolean): Promise<{ host: string; close(): void }> {
  const path = join(tmpdir(), `${world.prefix}-${name}.sock`)
  const server = createServer((asked, response) => {
    const { method, url = '', headers } = asked
    const passed = request({ socketPath: socket, method, path: url, headers }, async (answer) => {
      if (hides && url.includes('/containers/json')) {
        const all = (await json(answer)) as { Names: string[] }[]
        const left = all.filter(({ Names: [first = ''] }) => !first.startsWith(`/${world.prefix}-other`))
        response.end(JSON.stringify(left))
      } else answer.pipe(response.writeHead(answer.statusCode ?? 0, answer.headers))
    })
    asked.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return { host: `unix://${path}`, close: () => void server.close() }
}

const project = await testProject({
  version: '1.0',
  project_name: 'bench',
  targets: {
    docker: {
      enabled: true,
      primary: true,
      config: { image_name: world.repository.slice(registry.length + 1), registry }
    }
  },
  history: [{ timestamp: '2026-03-10T09:00:00Z', target: 'docker', version: '1.1.0', status: 'success' }]
})
const relays = [await relay('all', false), await relay('alone', true)]
const servers = await Promise.all(
  relays.map((one) => startServer({ projectDir: project.dir, env: { DOCKER_HOST: one.host } }))
)
try {
  for (const version of ['1.1.0', '1.2.0']) await makeImage(world.repository, version)
  await world.start('web', '1.2.0')
  await makeImage(other, '1')
  const sleeps = ['--entrypoint', 'sleep', '--no-healthcheck', `${other}:1`, '100000']
  for (let index = 0; index < others; index++)
    await docker('run', '-d', '--name', `${world.prefix}-other${index}`, ...sleeps)
  const names = [`beside ${others} other containers`, 'alone']
  const assess = async (index: number): Promise<number> => {
    const began = performance.now()
    const { plan, summary } = (await servers[index]?.call('assess_rollback', { version: '1.1.0' })) ?? {}
    if (!plan) throw new Error(String(summary))
    return performance.now() - began
  }
  const figures = await inTurns(
    names.map((name, index) => ({ name, run: () => assess(index) })),
    rounds
  )
  printRatios('One assessment, plan included', 'ms', figures)
} finally {
  for (const server of servers) await server.close()
  for (const one of relays) one.close()
  await world.remove()
  await docker('rmi', '-f', `${other}:1`)
  await project.remove()
}
