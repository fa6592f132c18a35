import { execFile } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import kubernetes from '../src/targets/kubernetes/index.ts'
import backend from '../testkit/backends/kubernetes.ts'
import { type Cluster, createCluster, until, workload } from '../testkit/kubernetes/cluster.ts'
import { targetContext, testRun } from '../testkit/target-context.ts'

const run = promisify(execFile)

/** What a rollback of many Deployments of one namespace costs: time, requests to the API server and memory, each per workload. */
interface Cost {
  seconds: number
  calls: number
  cpuSeconds: number
  maxRssMb: number
}

const [asChild, kubeconfig = '', namespace = ''] = process.argv.slice(2)
if (asChild === 'measured') console.log(JSON.stringify(await rollBack(kubeconfig, namespace)))
else await measureAll((process.env.SIZES ?? '1,10,30,100').split(',').map(Number))

async function measureAll(sizes: readonly number[]): Promise<void> {
  const brought = await backend.bring()
  if ('missing' in brought) throw new Error(brought.missing)
  for (const size of sizes) {
    const cluster = await createCluster(brought.env.kubeconfig ?? '')
    try {
      await deploy(cluster, size, '1.1.0')
      await deploy(cluster, size, '1.2.0')
      const script = fileURLToPath(import.meta.url)
      const args = ['tsx', script, 'measured', cluster.kubeconfig, cluster.namespace]
      const cost = JSON.parse((await run('npx', args)).stdout) as Cost
      await settled(cluster, size, '1.1.0')
      console.log(
        `${String(size).padStart(4)} Deployments: ${cost.seconds.toFixed(1)} s, ${(cost.calls / size).toFixed(1)} requests per Deployment, ` +
          `${((cost.cpuSeconds * 1000) / size).toFixed(0)} ms of CPU per Deployment, ${cost.maxRssMb.toFixed(0)} MB at most`
      )
    } finally {
      await cluster.remove()
    }
  }
}

/** All Deployments in one file, so that the bench itself does not take long. */
async function deploy(cluster: Cluster, size: number, version: string): Promise<void> {
  const image = await cluster.image(version)
  // One node holds few pods more than these: the old one goes before the new one comes.
  const spec = { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } }
  const items = Array.from({ length: size }, (_, index) =>
    workload({ name: `web-${index}`, image, replicas: 1, spec, labels: { team: 'shop' } })
  )
  await cluster.apply({ apiVersion: 'v1', kind: 'List', items })
  await settled(cluster, size, version)
}

async function settled(cluster: Cluster, size: number, version: string): Promise<void> {
  const path = '{range .items[*]}{.spec.template.spec.containers[0].image} {.status.availableReplicas}{"\\n"}{end}'
  await until(
    `${size} of ${version}`,
    async () => {
      const lines = (await cluster.kubectl('get', 'deployments', '-o', `jsonpath=${path}`)).split('\n')
      return lines.filter((line) => line.endsWith(`:${version} 1`)).length === size
    },
    1_200_000
  )
}

/** Runs in a process of its own, so that its memory is this rollback's alone. */
async function rollBack(config: string, space: string): Promise<Cost> {
  let calls = 0
  subscribe('http.client.request.start', () => calls++)
  const began = performance.now()
  const before = process.cpuUsage()
  const target = await kubernetes.open(
    targetContext({
      name: 'kubernetes',
      projectDir: process.cwd(),
      env: { KUBECONFIG: config },
      config: { namespace: space, selector: 'team=shop', max_parallel: 100 }
    })
  )
  const running = testRun({ signal: AbortSignal.timeout(1_200_000) })
  const { observation, state } = await target.observe(running.signal)
  const release = observation.releases.find(({ version }) => version === '1.1.0')
  if (!release || !target.lease) throw new Error('the good version is not offered')
  const { steps, blockers } = await target.plan(observation, state, release, running.signal)
  if (blockers.length > 0) throw new Error(JSON.stringify(blockers))
  const holder = { host: 'bench', pid: process.pid, user: 'bench' }
  const begun = { steps: JSON.parse(JSON.stringify(steps)) }
  const record = { rollbackId: 'rb-bench', holder, startedAt: new Date().toISOString(), begun }
  const lease = await target.lease.acquire(record, 60_000, running.signal)
  for (const step of steps) await target.apply(step, running)
  const report = await target.check(release, running)
  await lease?.release(running.signal)
  await target.close?.()
  const failed = report.checks.filter(({ status }) => status === 'fail')
  if (failed.length > 0) throw new Error(JSON.stringify(failed))
  const { user, system } = process.cpuUsage(before)
  return {
    seconds: (performance.now() - began) / 1000,
    calls,
    cpuSeconds: (user + system) / 1e6,
    maxRssMb: process.resourceUsage().maxRSS / 1024
  }
}
