import { setTimeout as wait } from 'node:timers/promises'
import { build } from '../scripts/build.ts'
import { createEngine } from '../src/targets/docker/engine/client.ts'
import { connect } from '../src/targets/docker/engine/connect.ts'
import backend from '../testkit/backends/docker.ts'
import { startServer } from '../testkit/built-server.ts'
import { docker, makeImage } from '../testkit/docker/images.ts'
import { createOwnEngine } from '../testkit/docker/own-engine.ts'
import { createWorld, signal, until } from '../testkit/docker/world.ts'
import { get } from '../testkit/get.ts'
import { testProject } from '../testkit/project.ts'
import { load, type Met, printMet } from './support/load.ts'
import { type Contender, inTurns, only, printRatios } from './support/turns.ts'

/**
 * A service of three tasks on a swarm of one node goes back from 1.2.0, whose update paused with a failed task, to 1.1.0: ours next to
 * `docker service rollback`, in turns, under load of clients that ask again once, as a proxy does. Starts an engine of its own.
 * usage: npx tsx bench/swarm.ts [rounds] [pause|continue]
 *   continue: the update went on, and all three tasks fail.
 */
const rounds = Number(process.argv[2] ?? 5)
const action = process.argv[3] === 'continue' ? 'continue' : 'pause'
const tasks = 3

interface Figures extends Met {
  /** Until the swarm calls its update completed and all tasks run 1.1.0. */
  ms: number
  wholeMs: number
}

await build()
const brought = await backend.bring()
const registry = ('env' in brought && brought.env.registry) || 'registry.invalid:5000'
const own = await createOwnEngine()
const world = createWorld(registry)
const image = (version: string): string => `${world.repository}:${version}`
const engine = createEngine(await connect({}, process.env))
const project = await testProject({
  version: '1.0',
  project_name: 'bench',
  targets: {
    docker: { enabled: true, config: { swarm_service: 'web', rollback: { soak_seconds: 0, max_attempts: 1000 } } }
  },
  history: [{ timestamp: '2026-03-10T09:00:00Z', target: 'docker', version: '1.1.0', status: 'success' }]
})
try {
  await docker('swarm', 'init', '--advertise-addr', '127.0.0.1')
  await makeImage(world.repository, '1.1.0')
  await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
  const server = await startServer({ projectDir: project.dir, env: { DOCKER_HOST: own.host } })
  const ours = async (): Promise<void> => {
    const { plan } = await server.call('assess_rollback', { version: '1.1.0' })
    const done = await server.call('execute_rollback', { target: 'docker', version: '1.1.0', plan_id: plan.id })
    if (done.outcome !== 'succeeded') throw new Error(String(done.summary))
  }
  const contenders: Contender<Figures>[] = [
    { name: 'pop-deploy-rollback', run: () => measure(ours) },
    { name: 'docker service rollback', run: () => measure(() => docker('service', 'rollback', '-q', 'web')) }
  ]
  const figures = await inTurns(contenders, rounds)
  await server.close()
  printRatios(
    `A swarm service of ${tasks} tasks, ${action === 'pause' ? 'one' : 'all'} broken: until all run 1.1.0`,
    'ms',
    only(figures, ({ ms }) => ms)
  )
  printRatios(
    'The whole call (ours with assessment and proof)',
    'ms',
    only(figures, ({ wholeMs }) => wholeMs)
  )
  printMet(figures)
} finally {
  engine.close()
  await project.remove()
  await own.remove()
}

async function measure(goBack: () => Promise<unknown>): Promise<Figures> {
  const quick = [
    '--update-monitor',
    '1s',
    '--rollback-monitor',
    '1s',
    '--restart-delay',
    '1s',
    '--stop-grace-period',
    '2s'
  ]
  await docker(
    ...[
      'service',
      'create',
      '--detach',
      '--name',
      'web',
      '--replicas',
      String(tasks),
      '--publish',
      'mode=host,target=8080'
    ],
    ...[...quick, '--update-failure-action', action, image('1.1.0')]
  )
  await until('1.1.0', async () => (await ports()).length === tasks)
  await docker('service', 'update', '--detach', '--image', image('1.2.0'), 'web')
  await until('the failure', async () =>
    action === 'pause' ? (await state()) === 'paused' : (await running('1.1.0')) === 0 && (await ports()).length === 0
  )
  let known: number[] = await ports()
  const look = async (): Promise<void> => {
    known = await ports().catch(() => known)
  }
  const watching = setInterval(() => void look(), 100)
  let turn = 0
  const next = (): number | undefined => known[turn++ % Math.max(known.length, 1)]
  const ask = async (port = next()): Promise<string | null> => (port ? get(port, 2000) : null)
  const clients = load(async () => (await ask()) ?? ask())
  // The swarm goes on trying: the moment of the failure is not the one at which people act.
  await wait(3000)
  clients.begin()
  const began = performance.now()
  const seen = until('1.1.0 again', async () => /completed$/.test(await state()) && (await running('1.1.0')) === tasks)
  const converged = seen.then(() => performance.now() - began)
  await goBack()
  const wholeMs = performance.now() - began
  const ms = await converged
  const met = await clients.stop()
  clearInterval(watching)
  await docker('service', 'rm', 'web')
  await until('the end', async () => (await docker('ps', '-q')) === '')
  return { ms, wholeMs, ...met }
}

/** What a balancer with health checks knows: the published ports of the healthy tasks. */
async function ports(): Promise<number[]> {
  const healthy = (await engine.containers.list(signal())).filter(
    ({ Labels, Status }) => Labels?.['com.docker.swarm.service.name'] === 'web' && String(Status).includes('(healthy)')
  )
  return healthy.flatMap(({ Ports }) => (Ports ?? []).flatMap(({ PublicPort }) => PublicPort ?? [])).filter(unique)
}

function unique(port: number, index: number, all: number[]): boolean {
  return all.indexOf(port) === index
}

async function state(): Promise<string> {
  return (await engine.services.inspect('web', signal()))?.UpdateStatus?.State ?? ''
}

async function running(version: string): Promise<number> {
  const all = await engine.tasks.list({ service: ['web'], 'desired-state': ['running'] }, signal())
  return all.filter(
    ({ Status, Spec }) => Status.State === 'running' && Spec.ContainerSpec.Image.includes(`:${version}`)
  ).length
}
