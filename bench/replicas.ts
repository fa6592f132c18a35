import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { build } from '../scripts/build.ts'
import backend from '../testkit/backends/docker.ts'
import { startServer } from '../testkit/built-server.ts'
import { composeProject, tagVariable } from '../testkit/docker/compose-project.ts'
import { docker, makeImage } from '../testkit/docker/images.ts'
import { makeProxyImage } from '../testkit/docker/proxy-image.ts'
import { createWorld, inspect, until } from '../testkit/docker/world.ts'
import { get } from '../testkit/get.ts'
import { testProject } from '../testkit/project.ts'
import { load, type Met, printMet } from './support/load.ts'
import { type Contender, inTurns, only, printRatios } from './support/turns.ts'

/**
 * Four replicas of a Compose service behind nginx, under load, go back from a broken 1.2.0 to 1.1.0, in turns: how long until all
 * replicas of 1.1.0 are healthy and none of 1.2.0 runs, and, where 1.2.0 answers, how many requests failed meanwhile.
 * usage: npx tsx bench/replicas.ts [rounds] [unhealthy|crash] [shared]
 *   unhealthy: 1.2.0 answers and fails its health check; crash: it ends at once. shared: the replicas share a writable volume.
 */
const rounds = Number(process.argv[2] ?? 5)
const broken = process.argv[3] === 'crash' ? 'crash' : 'unhealthy'
const shared = process.argv[4] === 'shared'
const replicas = 4

const brought = await backend.bring()
if ('missing' in brought) throw new Error(brought.missing)
const { compose, nginx } = brought.env
if (!compose || !nginx) throw new Error('Docker Compose and nginx are needed: test/backends/docker.sh install')
await build()
const world = createWorld()
const image = (version: string): string => `${world.repository}:${version}`
const good = await makeImage(world.repository, '1.1.0')
await makeImage(world.repository, '1.2.0', { mode: broken })
await makeProxyImage(nginx, `${world.repository}-proxy:1`, 'web:8080')
const stack = await composeProject(
  world,
  compose,
  `services:
  web:
    image: ${world.repository}:${tagVariable}
    restart: unless-stopped
    deploy: {replicas: ${replicas}}
${shared ? '    volumes: [shared:/shared]\n' : ''}  proxy:
    image: ${world.repository}-proxy:1
    ports: ["127.0.0.1::8080"]
${shared ? 'volumes: {shared: {}}\n' : ''}`
)
const project = await testProject({
  version: '1.0',
  project_name: 'bench',
  targets: {
    docker: {
      enabled: true,
      primary: true,
      config: { project: world.prefix, services: ['web'], rollback: { soak_seconds: 0, max_attempts: 1000 } }
    }
  },
  history: [{ timestamp: '2026-03-10T09:00:00Z', target: 'docker', version: '1.1.0', status: 'success' }]
})
const server = await startServer({ projectDir: project.dir })
const up = (version: string, ...services: string[]) =>
  promisify(execFile)(compose, ['up', '-d', ...services], { cwd: stack.dir, env: { ...process.env, TAG: version } })

const ours = async (): Promise<void> => {
  const { plan } = await server.call('assess_rollback', { version: '1.1.0' })
  const done = await server.call('execute_rollback', { target: 'docker', version: '1.1.0', plan_id: plan.id })
  if (done.outcome !== 'succeeded') throw new Error(String(done.summary))
}

const booted = async (): Promise<void> => {
  const names = Array.from({ length: replicas }, (_, index) => `${world.prefix}-web-${index + 1}`)
  const script = join(import.meta.dirname, 'support/kamal-style.sh')
  await promisify(execFile)(script, [image('1.1.0'), `${world.prefix}_default`, 'web', ...names])
}

interface Figures extends Met {
  /** Until all replicas of 1.1.0 are healthy and nothing else runs. */
  ms: number
  /** The whole call. */
  wholeMs: number
}

const contender = (name: string, goBack: () => Promise<unknown>): Contender<Figures> => ({
  name,
  run: () => measure(goBack)
})

try {
  const contenders = [
    contender('pop-deploy-rollback', ours),
    contender('docker compose up -d with the old tag', () => up('1.1.0', 'web')),
    ...(shared ? [] : [contender('new up, healthy, old stopped (script)', booted)])
  ]
  const figures = await inTurns(contenders, rounds)
  const state = `${replicas} replicas behind nginx${shared ? ', which share a volume' : ''}; 1.2.0 ${broken === 'crash' ? 'ends at once' : 'fails its health check'}`
  printRatios(
    `${state}: until all of 1.1.0 are healthy`,
    'ms',
    only(figures, ({ ms }) => ms)
  )
  printRatios(
    'The whole call (ours with assessment and proof)',
    'ms',
    only(figures, ({ wholeMs }) => wholeMs)
  )
  if (broken === 'unhealthy') printMet(figures)
} finally {
  await server.close()
  await docker('ps', '-aq', '--filter', `label=booted=${world.prefix}_default`)
    .then((ids) => (ids ? docker('rm', '-f', ...ids.split('\n')) : ''))
    .catch(() => undefined)
  await stack.remove()
  await world.remove()
  await project.remove()
}

async function measure(goBack: () => Promise<unknown>): Promise<Figures> {
  await up('1.1.0')
  await until('1.1.0', allGood)
  await up('1.2.0', 'web')
  await until('the failure of 1.2.0', async () => (await states()).filter(isBroken).length === replicas)
  const proxy = await inspect(`${world.prefix}-proxy-1`)
  const port = Number(proxy.NetworkSettings.Ports['8080/tcp'][0].HostPort)
  const clients = load(() => get(port))
  if (broken === 'unhealthy') await until('an answer', async () => (await get(port)) === '1.2.0')
  await wait(1500)
  clients.begin()
  const began = performance.now()
  const watching = until('1.1.0 on all replicas', allGood).then(() => performance.now() - began)
  await goBack()
  const wholeMs = performance.now() - began
  const ms = await watching
  const met = await clients.stop()
  await docker('ps', '-aq', '--filter', `label=booted=${world.prefix}_default`).then((ids) =>
    ids ? docker('rm', '-f', ...ids.split('\n')) : ''
  )
  await stack.compose('down', '-t', '0')
  return { ms, wholeMs, ...met }
}

interface State {
  image: string
  running: boolean
  health: string
}

/** The replicas of the service and what stands in for them, as the engine shows them. */
async function states(): Promise<State[]> {
  const labels = [`com.docker.compose.project=${world.prefix}`, `booted=${world.prefix}_default`]
  const ids = await Promise.all(labels.map((label) => docker('ps', '-aq', '--filter', `label=${label}`)))
  const mine = ids.flatMap((text) => text.split('\n').filter(Boolean))
  if (mine.length === 0) return []
  const all = JSON.parse(await docker('inspect', ...mine)) as {
    Name: string
    Image: string
    State: { Running: boolean; Health?: { Status: string } }
  }[]
  return all
    .filter(({ Name }) => Name.includes('-web-'))
    .map(({ Image, State: state }) => ({ image: Image, running: state.Running, health: state.Health?.Status ?? '' }))
}

function isBroken({ image: of, running, health }: State): boolean {
  return of !== good && (!running || health === 'unhealthy')
}

async function allGood(): Promise<boolean> {
  const running = (await states()).filter((state) => state.running)
  return running.length === replicas && running.every((state) => state.image === good && state.health === 'healthy')
}
