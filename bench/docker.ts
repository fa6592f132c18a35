import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { build } from '../scripts/build.ts'
import backend from '../testkit/backends/docker.ts'
import { startServer } from '../testkit/built-server.ts'
import { docker, makeImage } from '../testkit/docker/images.ts'
import { createWorld } from '../testkit/docker/world.ts'
import { testProject } from '../testkit/project.ts'
import { median } from './support/turns.ts'

/**
 * Downtime as a client sees it that asks every few milliseconds, and the whole duration, of going back from 1.2.0 to 1.1.0 of a
 * small web service with a published port and a health check. All ways in turns, each from the same start.
 */
const rounds = Number(process.argv[2] ?? 7)
const askEveryMs = 5

interface Figures {
  downMs: number
  wholeMs: number
}

interface Way {
  name: string
  /** Puts 1.2.0 in place. */
  deploy(): Promise<void>
  /** Goes back to 1.1.0. */
  goBack(): Promise<void>
  clear(): Promise<void>
}

const brought = await backend.bring()
if ('missing' in brought) throw new Error(brought.missing)
const { registry = '', compose } = brought.env
await build()
const world = createWorld(registry)
const name = `${world.prefix}-web`
const port = await freePort()
const image = (version: string): string => `${world.repository}:${version}`
const options = ['--name', name, '-p', `127.0.0.1:${port}:8080`, '--restart', 'unless-stopped']

for (const version of ['1.1.0', '1.2.0']) await makeImage(world.repository, version)
const project = await testProject({
  version: '1.0',
  project_name: 'bench',
  targets: {
    docker: {
      enabled: true,
      primary: true,
      config: {
        image_name: world.repository.slice(registry.length + 1),
        registry,
        rollback: { soak_seconds: 0, max_attempts: 1000 }
      }
    }
  },
  history: [{ timestamp: '2026-03-10T09:00:00Z', target: 'docker', version: '1.1.0', status: 'success' }]
})
const server = await startServer({ projectDir: project.dir })

const remove = () =>
  docker('rm', '-f', name, `${name}-before`).then(
    () => undefined,
    () => undefined
  )
const run = (version: string) => docker('run', '-d', ...options, image(version)).then(() => undefined)

const ours: Way = {
  name: 'pop-deploy-rollback',
  deploy: () => run('1.2.0'),
  async goBack() {
    const { plan } = await server.call('assess_rollback', { version: '1.1.0' })
    const done = await server.call('execute_rollback', { target: 'docker', version: '1.1.0', plan_id: plan.id })
    if (done.outcome !== 'succeeded') throw new Error(String(done.summary))
  },
  clear: remove
}

const floor: Way = {
  name: 'floor: docker stop, docker start of one created before',
  async deploy() {
    await run('1.2.0')
    await docker('create', ...options.map((option) => (option === name ? `${name}-before` : option)), image('1.1.0'))
  },
  async goBack() {
    await docker('stop', name)
    await docker('start', `${name}-before`)
  },
  clear: remove
}

const manualCommands: Way = {
  name: 'docker stop, rm, run',
  deploy: () => run('1.2.0'),
  async goBack() {
    await docker('stop', name)
    await docker('rm', name)
    await run('1.1.0')
  },
  clear: remove
}

const composed = (title: string, goBack: (call: (...args: string[]) => Promise<void>) => Promise<void>): Way => {
  const call = async (version: string, ...args: string[]): Promise<void> => {
    const variables = { ...process.env, TAG: version, COMPOSE_PROJECT_NAME: world.prefix }
    await promisify(execFile)(compose ?? '', args, { cwd: project.dir, env: variables })
  }
  return {
    name: title,
    deploy: () => call('1.2.0', 'up', '-d'),
    goBack: () => goBack((...args) => call('1.1.0', ...args)),
    clear: () => call('1.1.0', 'down', '-t', '0')
  }
}

const tag = '$'.concat('{TAG}')
const composeFile = `services:\n  web:\n    image: ${world.repository}:${tag}\n    restart: unless-stopped\n    ports: ["127.0.0.1:${port}:8080"]\n`

const ways: Way[] = [ours, floor, manualCommands]
if (compose) {
  await writeFile(join(project.dir, 'compose.yaml'), composeFile)
  ways.push(
    composed('docker compose up -d with the old tag', (call) => call('up', '-d')),
    composed('docker compose down && up -d', async (call) => {
      await call('down')
      await call('up', '-d')
    })
  )
}

try {
  const figures = new Map<string, Figures[]>(ways.map((way) => [way.name, []]))
  for (let round = 0; round < rounds; round++) for (const way of ways) figures.get(way.name)?.push(await measure(way))
  print(figures)
} finally {
  for (const way of ways) await way.clear().catch(() => undefined)
  await server.close()
  await world.remove()
  await project.remove()
}

async function measure(way: Way): Promise<Figures> {
  await way.deploy()
  await serves('1.2.0')
  await wait(500)
  const client = ask()
  const began = performance.now()
  await way.goBack()
  const wholeMs = performance.now() - began
  await serves('1.1.0')
  await wait(100)
  const downMs = await client.stop()
  await way.clear()
  return { downMs, wholeMs }
}

/** Asks every few milliseconds, whatever became of the question before; the longest time between two that were answered is the downtime. */
function ask(): { stop(): Promise<number> } {
  const answered: number[] = []
  const open = new Set<Promise<void>>()
  const timer = setInterval(() => {
    const began = performance.now()
    const question = answer().then((version) => {
      if (version !== null) answered.push(began)
      open.delete(question)
    })
    open.add(question)
  }, askEveryMs)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(open)
      answered.sort((x, y) => x - y)
      return answered.reduce((longest, at, index) => Math.max(longest, at - (answered[index - 1] ?? at)), 0)
    }
  }
}

function answer(): Promise<string | null> {
  return new Promise((resolve) => {
    const call = request({ host: '127.0.0.1', port, path: '/', agent: false, timeout: 1000 }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => resolve(response.statusCode === 200 ? body.trim() : null))
      response.on('error', () => resolve(null))
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(null))
    call.end()
  })
}

async function serves(version: string): Promise<void> {
  for (let count = 0; count < 2000; count++) {
    if ((await answer()) === version) return
    await wait(10)
  }
  throw new Error(`${version} does not serve`)
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

function print(figures: Map<string, Figures[]>): void {
  const reference = [...figures.values()][0] ?? []
  for (const key of ['downMs', 'wholeMs'] as const) {
    console.log(
      `\n${key === 'downMs' ? 'Downtime that a client saw' : 'Whole duration (ours with assessment and proof)'}`
    )
    for (const [way, rows] of figures) {
      const values = rows.map((row) => row[key])
      const ratio = median(values.map((value, round) => (reference[round]?.[key] ?? Number.NaN) / value))
      const range = `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`
      console.log(
        `  ${way.padEnd(56)} ${median(values).toFixed(0).padStart(6)} ms  (${range})  ours/this ${ratio.toFixed(2)}`
      )
    }
  }
}
