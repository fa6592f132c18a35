import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { build } from '../scripts/build.ts'
import type { JsonObject } from '../src/model/json.ts'
import { systemClock } from '../src/support/clock.ts'
import { createMask } from '../src/support/mask.ts'
import { openApi } from '../src/targets/kubernetes/client/api.ts'
import { connect } from '../src/targets/kubernetes/client/connect.ts'
import { followList } from '../src/targets/kubernetes/client/follow-list.ts'
import { type WorkloadObject, workloadSchema } from '../src/targets/kubernetes/objects/objects.ts'
import { rolloutOf } from '../src/targets/kubernetes/workloads/health.ts'
import backend from '../testkit/backends/kubernetes.ts'
import { type Cluster, createCluster, until, workload } from '../testkit/kubernetes/cluster.ts'
import { createScene } from '../testkit/kubernetes/scene.ts'
import { inTurns, only, printRatios } from './support/turns.ts'

const run = promisify(execFile)
const sizes = (process.env.SIZES ?? '1,20').split(',').map(Number)
const rounds = Number(process.env.ROUNDS ?? 5)

/**
 * From the call until every replica of the good version is available: execute_rollback of the built server, which has assessed
 * before, and the same with its assessment, next to kubectl's undo and status in a loop. The same watch of the Deployments tells the
 * moment for all, and when every template was changed.
 */
await build()
const brought = await backend.bring()
if ('missing' in brought) throw new Error(brought.missing)
for (const size of sizes) await compare(size, brought.env.kubeconfig ?? '')

interface Times {
  changed: number
  complete: number
}

async function compare(size: number, kubeconfig: string): Promise<void> {
  const cluster = await createCluster(kubeconfig)
  const names = Array.from({ length: size }, (_, index) => `web-${index}`)
  const workloads = names.map((name) => `deployment/${name}`)
  const scene = await createScene(cluster, { workloads })
  const server = await scene.serve()
  const watched = await watch(cluster)
  try {
    await deploy(cluster, names, '1.1.0')
    await watched.until(size, '1.1.0')
    const timed = async (begin: () => Promise<() => Promise<unknown>>): Promise<Times> => {
      await deploy(cluster, names, '1.2.0')
      await watched.until(size, '1.2.0')
      const rollBack = await begin()
      const began = performance.now()
      const running = rollBack()
      const { changed, at } = await watched.until(size, '1.1.0')
      await running
      await settled(cluster, size)
      return { changed: changed - began, complete: at - began }
    }
    const assess = async () => {
      const { plan, risks } = await server.call('assess_rollback', { version: '1.1.0' })
      const accept = risks.filter(({ serious }: { serious: boolean }) => serious).map(({ id }: { id: string }) => id)
      return { target: 'kubernetes', version: '1.1.0', plan_id: plan.id, accept }
    }
    const execute = async (asked: JsonObject) => {
      const { outcome, summary } = await server.call('execute_rollback', asked)
      if (outcome !== 'succeeded') throw new Error(summary)
    }
    const ours = () =>
      timed(async () => {
        const asked = await assess()
        return () => execute(asked)
      })
    const withAssessment = () => timed(async () => async () => execute(await assess()))
    const theirs = () =>
      timed(async () => async () => {
        for (const name of workloads) {
          await kubectl(cluster, 'rollout', 'undo', name)
          await kubectl(cluster, 'rollout', 'status', name)
        }
      })
    const contenders = [
      { name: 'pop-deploy-rollback', run: ours },
      { name: 'pop-deploy-rollback, assessment included', run: withAssessment },
      { name: 'kubectl rollout undo; rollout status', run: theirs }
    ]
    const title = `${size} Deployment${size > 1 ? 's' : ''}`
    const figures = await inTurns(contenders, rounds)
    printRatios(
      `${title}: until every replica is available`,
      'ms',
      only(figures, ({ complete }) => complete)
    )
    printRatios(
      `${title}: until every template is changed`,
      'ms',
      only(figures, ({ changed }) => changed)
    )
  } finally {
    watched.stop()
    await scene.close()
    await cluster.remove()
  }
}

function kubectl(cluster: Cluster, ...args: string[]) {
  return run('kubectl', ['--kubeconfig', cluster.kubeconfig, '-n', cluster.namespace, ...args])
}

async function deploy(cluster: Cluster, names: readonly string[], version: string): Promise<void> {
  const image = await cluster.image(version)
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'List',
    items: names.map((name) => workload({ name, image, replicas: 1 }))
  })
}

/** No pod of the round before may still be going away. */
function settled(cluster: Cluster, size: number): Promise<boolean> {
  const only = async () => (await cluster.kubectl('get', 'pods', '-o', 'name')).split('\n').length === size
  return until('the old pods to be gone', only, 300_000)
}

/** When every template was changed, and when every rollout was complete. */
interface Reached {
  changed: number
  at: number
}

/** Knows of every Deployment of the namespace at any time, and when all were what is wanted. */
async function watch(cluster: Cluster) {
  const connection = await connect({}, { KUBECONFIG: cluster.kubeconfig }, createMask())
  const api = openApi(connection, systemClock)
  const end = new AbortController()
  const path = `/apis/apps/v1/namespaces/${cluster.namespace}/deployments`
  let wanted: { size: number; version: string; changed?: number; reached(times: Reached): void } | null = null
  let present: WorkloadObject[] = []
  const look = (): void => {
    if (!wanted) return
    const { size, version, reached } = wanted
    const its = present.filter(({ spec }) => spec.template.spec.containers[0]?.image?.endsWith(`:${version}`))
    if (its.length < size) return
    wanted.changed ??= performance.now()
    if (its.every((one) => rolloutOf(one).complete)) reached({ changed: wanted.changed, at: performance.now() })
  }
  const list = followList(api, systemClock, { doing: 'Watching', path }, workloadSchema, end.signal)
  list.join({
    wants: () => true,
    tell(items) {
      present = items
      look()
    }
  })
  return {
    until: (size: number, version: string) =>
      new Promise<Reached>((reached) => {
        wanted = { size, version, reached }
        look()
      }),
    stop(): void {
      end.abort()
      api.close()
    }
  }
}
