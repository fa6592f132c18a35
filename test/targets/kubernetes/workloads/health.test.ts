import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { unreachable } from '../../../../src/targets/kubernetes/client/failure.ts'
import { check } from '../../../../src/targets/kubernetes/workloads/check.ts'
import { healthTogether } from '../../../../src/targets/kubernetes/workloads/health.ts'
import { readWorkloads } from '../../../../src/targets/kubernetes/workloads/read.ts'
import { releasesOf } from '../../../../src/targets/kubernetes/workloads/releases.ts'
import { deployment, type FakeCluster, fakeCluster, pod, put, replicaSet } from '../fake-cluster.ts'

const signal = AbortSignal.timeout(60_000)
const evicted: JsonObject = { phase: 'Failed', reason: 'Evicted', conditions: [] }

const healthOf = async ({ context }: FakeCluster) => healthTogether(await readWorkloads(context, signal))

async function checksOf({ context }: FakeCluster, baseline?: JsonObject) {
  const { current } = releasesOf(await readWorkloads(context, signal))
  const { checks, observed } = await check(context, current, { signal, ...(baseline && { baseline }) })
  return { checks, observed, bad: checks.filter(({ status }) => status !== 'pass') }
}

test('an evicted pod that its ReplicaSet has replaced affects neither health nor the checks', async () => {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  put(cluster, deployment('web'), replicaSet('web', 1, 'web:1.1.0'), pod('web', 1, 'a', evicted), pod('web', 1, 'b'))
  expect(await healthOf(cluster)).toMatchObject({ state: 'healthy' })
  expect((await checksOf(cluster)).bad).toEqual([])
})

const two: JsonObject[] = [replicaSet('web', 1, 'web:1.1.0'), pod('web', 1, 'a'), pod('web', 1, 'b')]

test.each<[string, JsonObject, JsonObject[]]>([
  ['the controller has not seen yet', { replicas: 2, generation: 2, status: { observedGeneration: 1 } }, []],
  ['starts new pods', { replicas: 4, status: { replicas: 3, updatedReplicas: 3, availableReplicas: 2 } }, []],
  [
    'cannot schedule its pods',
    { replicas: 3, status: { availableReplicas: 2 } },
    [
      pod('web', 1, 'c', {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }]
      })
    ]
  ],
  ['removes every pod', { replicas: 0 }, []]
])('scaling during the soak that %s is no failure', async (_, after, pods) => {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  put(cluster, deployment('web', { replicas: 2 }), ...two)
  const { observed } = await checksOf(cluster)
  put(cluster, deployment('web', after), ...pods)
  expect((await checksOf(cluster, observed)).bad).toEqual([])
})

test('a soak fails that ends with fewer pods than it started with, with a crashing one, or with an old one', async () => {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  put(cluster, deployment('web', { replicas: 2 }), ...two)
  const { observed } = await checksOf(cluster)
  const failed = async () => (await checksOf(cluster, observed)).bad.map(({ id, status }) => `${id} ${status}`)
  const rollout = ['rollout:deployment/shop/web fail']

  put(cluster, deployment('web', { replicas: 3, status: { availableReplicas: 1 } }))
  expect(await failed()).toEqual(rollout)
  put(cluster, deployment('web', { replicas: 3, status: { updatedReplicas: 2, availableReplicas: 2 } }))
  expect(await failed()).toEqual(rollout)
  const crash = { name: 'web', restartCount: 0, state: { waiting: { reason: 'CrashLoopBackOff' } } }
  const scaled = deployment('web', { replicas: 3, status: { availableReplicas: 2 } })
  put(cluster, scaled, pod('web', 1, 'c', { conditions: [], containerStatuses: [crash] }))
  expect(await failed()).toEqual(rollout)
})

test('a sidecar that restarts during the soak is seen', async () => {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  const withSidecar = (restartCount: number) =>
    pod('web', 1, 'a', { initContainerStatuses: [{ name: 'mesh', restartCount, state: { running: {} } }] })
  put(cluster, deployment('web'), replicaSet('web', 1, 'web:1.1.0'), withSidecar(0))
  const { observed } = await checksOf(cluster)
  put(cluster, deployment('web'), withSidecar(1))
  expect((await checksOf(cluster, observed)).bad).toMatchObject([
    { id: 'restarts:deployment/shop/web', status: 'fail' }
  ])
})

test('a workload that is deleted during the soak fails; a cluster that does not answer is unknown', async () => {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  put(cluster, deployment('web'), replicaSet('web', 1, 'web:1.1.0'), pod('web', 1, 'a'))
  const { current } = releasesOf(await readWorkloads(cluster.context, signal))
  cluster.objects.clear()
  const { checks } = await check(cluster.context, current, { signal })
  expect(checks).toMatchObject([{ id: 'workloads', status: 'fail' }])
  cluster.before(() => {
    throw unreachable('cluster.example', 'connection refused')
  })
  expect((await check(cluster.context, current, { signal })).checks).toMatchObject([
    { id: 'cluster', status: 'unknown' }
  ])
})

const service = (name: string): JsonObject => ({
  metadata: { name, namespace: 'shop' },
  spec: { selector: { app: name } }
})
const endpoints = (name: string, ready: boolean): JsonObject => ({
  metadata: { name: `${name}-x`, namespace: 'shop' },
  endpoints: [{ conditions: { ready } }]
})
const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices'

test('a workload at 0 replicas passes by its template, without its Service, and does not affect health', async () => {
  const cluster = fakeCluster({ workloads: ['deployment/web', 'deployment/standby'] })
  put(cluster, deployment('web'), replicaSet('web', 1, 'web:1.1.0'), pod('web', 1, 'a'))
  put(cluster, deployment('standby', { replicas: 0 }), replicaSet('standby', 1, 'standby:1.1.0'))
  cluster.objects.set('/api/v1/namespaces/shop/services/standby', service('standby'))
  expect(await healthOf(cluster)).toMatchObject({
    state: 'healthy',
    parts: { 'deployment/shop/web': 'healthy', 'deployment/shop/standby': 'unknown' }
  })
  const { checks, bad } = await checksOf(cluster)
  expect(bad).toEqual([])
  expect(checks.filter(({ id }) => id.startsWith('service'))).toEqual([])
})

test('the health of a single workload at 0 replicas, or on no node, is unknown, with the reason', async () => {
  const deploymentAlone = fakeCluster({ workloads: ['deployment/web'] })
  put(deploymentAlone, deployment('web', { replicas: 0 }), replicaSet('web', 1, 'web:1.1.0'))
  expect(await healthOf(deploymentAlone)).toMatchObject({
    state: 'unknown',
    message: expect.stringMatching(/scaled to 0/)
  })
  const agent = fakeCluster({ workloads: ['daemonset/agent'] })
  const status = { desiredNumberScheduled: 0, currentNumberScheduled: 0, updatedNumberScheduled: 0, numberAvailable: 0 }
  agent.objects.set('/apis/apps/v1/namespaces/shop/daemonsets/agent', deployment('agent', { replicas: 0, status }))
  expect(await healthOf(agent)).toMatchObject({ state: 'unknown', message: expect.stringMatching(/no node wants/) })
})

test('the check waits for endpoints that lag behind ready pods, and not for those of other pods', async () => {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  put(cluster, deployment('web'), replicaSet('web', 1, 'web:1.1.0'), pod('web', 1, 'a'))
  cluster.objects.set('/api/v1/namespaces/shop/services/web', service('web'))
  cluster.objects.set(`${slices}/web-x`, endpoints('web', false))
  let looks = 0
  cluster.before(({ path }) => {
    if (path === slices && ++looks === 3) cluster.objects.set(`${slices}/web-x`, endpoints('web', true))
  })
  expect((await checksOf(cluster)).bad).toEqual([])

  cluster.objects.set(`${slices}/web-x`, endpoints('web', false))
  put(cluster, deployment('web', { status: { availableReplicas: 0 } }))
  looks = 10
  expect((await checksOf(cluster)).bad).toMatchObject([
    { id: 'rollout:deployment/shop/web' },
    { id: 'service:shop/web', status: 'fail', detail: '0 ready endpoints' }
  ])
  expect(looks).toBe(11)
})

test('a pod that a finalizer holds is what a Recreate rollout waits for', async () => {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  const ended = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a.example/hold'] }
  const old = pod('web', 1, 'a')
  put(
    cluster,
    deployment('web', {
      image: 'web:1.2.0',
      spec: { strategy: { type: 'Recreate' } },
      status: { updatedReplicas: 0, availableReplicas: 0 }
    }),
    replicaSet('web', 1, 'web:1.1.0'),
    { ...old, metadata: { ...(old.metadata as JsonObject), ...ended } }
  )
  expect(await healthOf(cluster)).toMatchObject({
    state: 'down',
    message: expect.stringMatching(/web-1-a cannot go: the finalizer a.example\/hold holds it/)
  })
})

test('while Recreate waits for its old pods, the template is current and their revision a candidate', async () => {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  const spec = { strategy: { type: 'Recreate' } }
  // A template that only lacks a field of the former one could be taken for it, with defaults filled in.
  for (const image of ['web:1.2.0', 'web:1.1.0']) {
    const former = replicaSet('web', 1, 'web:1.1.0', '2026-01-01T00:00:00Z')
    const template = (former.spec as JsonObject).template as { spec: JsonObject }
    Object.assign(template.spec, { priorityClassName: 'gold' })
    const status = { updatedReplicas: 0, availableReplicas: 0 }
    put(cluster, deployment('web', { image, spec, status }), former)
    const { current, releases } = releasesOf(await readWorkloads(cluster.context, signal))
    expect(current.id).toMatch(/pending/)
    expect(releases).toMatchObject([
      {
        id: 'deployment/shop/web@web-1',
        served: { source: 'inferred: it was not replaced until the present template' }
      }
    ])
  }
})
