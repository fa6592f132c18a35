import { spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { build } from '../scripts/build.ts'
import backend from '../testkit/backends/docker.ts'
import prometheus from '../testkit/backends/prometheus.ts'
import { distFile } from '../testkit/dist.ts'
import { docker, makeImage } from '../testkit/docker/images.ts'
import { createWorld, isHealthy, until } from '../testkit/docker/world.ts'
import { get } from '../testkit/get.ts'
import { testProject } from '../testkit/project.ts'
import { errorRateQuery, startExporter } from '../testkit/prometheus/exporter.ts'
import { startPrometheus } from '../testkit/prometheus/start-prometheus.ts'
import { median } from './support/turns.ts'

/**
 * Seconds from the first bad sample until the good version serves, with `watch --auto`: 1.2.0 is healthy and answers one request in five
 * with an error. Scrape interval 1 s, `for: 5s`. Next to the time when Prometheus' own alert on the same query fires, after which
 * nothing has been done yet.
 */
const rounds = Number(process.argv[2] ?? 5)
const askEveryMs = 20

const [brought, store] = [await backend.bring(), await prometheus.bring()]
if ('missing' in brought) throw new Error(brought.missing)
if ('missing' in store) throw new Error(store.missing)
const { registry = '' } = brought.env
const { program = '' } = store.env
await build()
const world = createWorld(registry)
const web = `${world.prefix}-web`
for (const version of ['1.1.0', '1.2.0']) await makeImage(world.repository, version)
let port = 0

async function start(version: string): Promise<void> {
  await docker('rm', '-f', web).catch(() => undefined)
  await world.start('web', version, '-p', `127.0.0.1:${port}:8080`)
  port ||= Number((await docker('port', web, '8080/tcp')).split(':').at(-1))
  await isHealthy(web)
}

/** Milliseconds since the first bad sample: until the alert fires, until 1.1.0 answers, and until the command has ended. */
async function measure(): Promise<{ alert: number; serves: number; ended: number }> {
  await start('1.1.0')
  const exporter = await startExporter(() => get(port, 1000), { '1.2.0': 0.2 })
  const query = errorRateQuery()
  const server = await startPrometheus(program, {
    scrape: exporter.address,
    alert: { expr: `${query} > 0.05`, for: '5s' }
  })
  await until('an error rate', async () => (await server.value(query)) === 0)
  const config = { image_name: world.repository.slice(registry.length + 1), registry, rollback: { soak_seconds: 0 } }
  const signals = [
    { name: 'error rate', prometheus: { url: server.url, query }, above: 0.05, for: '5s', unit: 'ratio' }
  ]
  const project = await testProject({
    version: '1.0',
    targets: { docker: { automatic: true, config, signals } },
    history: [
      { timestamp: new Date(Date.now() - 60_000).toISOString(), target: 'docker', version: '1.1.0', status: 'success' }
    ]
  })
  await project.commit()
  await start('1.2.0')
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, DOCKER_HOST: process.env.DOCKER_HOST }
  const watch = spawn(process.execPath, [distFile('cli.mjs'), 'watch', '--for', '10m', '--auto'], {
    cwd: project.dir,
    env,
    stdio: 'ignore'
  })
  const ended = new Promise<number>((resolve) => watch.once('exit', () => resolve(Date.now())))
  const when = async (is: () => Promise<boolean>): Promise<number> => {
    while (!(await is().catch(() => false))) await wait(askEveryMs)
    return Date.now()
  }
  const times = await Promise.all([
    when(() => server.fires()),
    when(async () => (await get(port, 500)) === '1.1.0'),
    ended
  ])
  const began = Date.parse(exporter.begunToFail() ?? '')
  await server.stop()
  await exporter.close()
  await project.remove()
  const [alert, serves, end] = times.map((at) => at - began)
  return { alert: alert ?? 0, serves: serves ?? 0, ended: end ?? 0 }
}

const print = (name: string, values: number[]): void =>
  console.log(
    `  ${name.padEnd(48)} ${(median(values) / 1000).toFixed(1).padStart(5)} s  (${values.map((ms) => (ms / 1000).toFixed(1)).join(', ')})`
  )

try {
  const figures: Awaited<ReturnType<typeof measure>>[] = []
  for (let round = 0; round < rounds; round++) figures.push(await measure())
  console.log(`Since the first bad sample, scrape interval 1 s, for: 5s; median of ${rounds} rounds`)
  print(
    "Prometheus' own alert fires",
    figures.map(({ alert }) => alert)
  )
  print(
    'the good version answers (watch --auto)',
    figures.map(({ serves }) => serves)
  )
  print(
    'proven by the signal, reported, ended',
    figures.map(({ ended }) => ended)
  )
} finally {
  await world.remove()
}
