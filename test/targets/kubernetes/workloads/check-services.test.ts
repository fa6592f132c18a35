import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { ApiFailure } from '../../../../src/targets/kubernetes/client/failure.ts'
import { examineTraffic } from '../../../../src/targets/kubernetes/preflight/traffic.ts'
import { checkServices } from '../../../../src/targets/kubernetes/workloads/check-services.ts'
import { changeOf } from '../../../../src/targets/kubernetes/workloads/plan-steps.ts'
import { readWorkloads } from '../../../../src/targets/kubernetes/workloads/read.ts'
import { deployment, type FakeCluster, fakeCluster, pod, put, replicaSet } from '../fake-cluster.ts'
import { virtualClock } from '../virtual-clock.ts'

const signal = AbortSignal.timeout(60_000)
const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices'

/** A template whose pods have one more label, and one port with a name. */
const template = (ver: string, port: string): JsonObject => ({
  metadata: { labels: { app: 'web', ver } },
  spec: { containers: [{ name: 'web', image: `web:${ver}`, ports: [{ name: port, containerPort: 8080 }] }] }
})
const withTemplate = (object: JsonObject, of: JsonObject): JsonObject => ({
  ...object,
  spec: { ...(object.spec as JsonObject), template: of }
})
const revision = (number: number, at: string, of: JsonObject): JsonObject =>
  withTemplate(replicaSet('web', number, '', `2026-01-01T00:0${at}:00Z`), of)

/** `serving` of two templates serves; `failed` makes the older one newest, as after a rollback. */
function scene(selector: JsonObject, targetPort: string | number, rolledBack: boolean): FakeCluster {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  const [old, failed] = [template('1', 'http'), template('2', 'web')]
  put(
    cluster,
    withTemplate(deployment('web'), rolledBack ? old : failed),
    revision(rolledBack ? 3 : 1, '1', old),
    revision(2, '2', failed),
    pod('web', rolledBack ? 3 : 2, 'a')
  )
  cluster.objects.set('/api/v1/namespaces/shop/services/web', {
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector, ports: [{ name: 'main', port: 80, targetPort }] }
  })
  return cluster
}

/** Ready endpoints as the server has them: EndpointSlices, or Endpoints before Kubernetes 1.21. */
function endpoints(cluster: FakeCluster, shape: 'slices' | 'endpoints', pods: string[], ports = ['main']): void {
  const targets = pods.map((name) => ({ targetRef: { name } }))
  const named = ports.map((name) => ({ name }))
  if (shape === 'slices')
    cluster.objects.set(`${slices}/web-x`, {
      metadata: { name: 'web-x' },
      ports: named,
      endpoints: targets.map((one) => ({ ...one, conditions: { ready: true } }))
    })
  else {
    cluster.before(({ doing, path }) => {
      if (path === slices) throw new ApiFailure(doing, 404, {})
    })
    cluster.objects.set('/api/v1/namespaces/shop/endpoints/web', { subsets: [{ addresses: targets, ports: named }] })
  }
}

async function checked(cluster: FakeCluster) {
  const context = { ...cluster.context, clock: virtualClock() }
  return checkServices(context, await readWorkloads(context, signal), signal)
}

const shapes = ['slices', 'endpoints'] as const

test.each(shapes)('a Service leads to the pods of the present template (%s)', async (shape) => {
  const cluster = scene({ app: 'web' }, 'http', true)
  endpoints(cluster, shape, ['web-3-a'])
  expect(await checked(cluster)).toMatchObject([{ status: 'pass', detail: '1 ready endpoints' }])
})

test.each(shapes)('a Service that selects only the template that was rolled back from fails (%s)', async (shape) => {
  const cluster = scene({ app: 'web', ver: '2' }, 8080, true)
  endpoints(cluster, shape, [])
  expect(await checked(cluster)).toMatchObject([
    {
      status: 'fail',
      detail: expect.stringMatching(/wants ver=2; the pods have ver=1.*patch service web -p '.*"ver":"1"/)
    }
  ])
})

test.each(shapes)('a port by a name that only the failed template has fails (%s)', async (shape) => {
  const cluster = scene({ app: 'web' }, 'web', true)
  endpoints(cluster, shape, ['web-3-a'], [])
  expect(await checked(cluster)).toMatchObject([
    { status: 'fail', detail: expect.stringMatching(/on port 80.*wants the container port web.*"value":"http"/) }
  ])
})

test.each(shapes)('endpoints that are pods of others alone do not count (%s)', async (shape) => {
  const cluster = scene({ app: 'web' }, 8080, true)
  endpoints(cluster, shape, ['canary-1'])
  expect(await checked(cluster)).toMatchObject([
    { status: 'fail', detail: '1 ready endpoints; none is a pod of deployment/web' }
  ])
})

test('a Service of a version before the present one is no concern, nor is a port that led nowhere before', async () => {
  const upgraded = scene({ app: 'web', ver: '1' }, 8080, false)
  expect(await checked(upgraded)).toEqual([])
  const nowhere = scene({ app: 'web' }, 'metrics', true)
  endpoints(nowhere, 'slices', ['web-3-a'], [])
  expect(await checked(nowhere)).toMatchObject([{ status: 'pass' }])
})

async function examined(cluster: FakeCluster) {
  const [workload] = await readWorkloads(cluster.context, signal)
  const old = workload?.revisions.find(({ number }) => number === 1)
  if (!workload || !old) throw new Error('there is no former revision')
  return examineTraffic(cluster.context, [changeOf(workload, old)], signal)
}

test('what leads to the failed template alone is a serious risk, with the command that mends it', async () => {
  const labels = scene({ app: 'web', ver: '2' }, 8080, false)
  labels.objects.set('/apis/networking.k8s.io/v1/namespaces/shop/ingresses/shop', {
    metadata: { name: 'shop' },
    spec: { rules: [{ http: { paths: [{ backend: { service: { name: 'web' } } }] } }] }
  })
  expect(await examined(labels)).toMatchObject({
    risks: [
      {
        id: 'leads_nowhere:services/shop/web',
        serious: true,
        title: expect.stringMatching(/Service web .* nor will the Ingress shop/),
        detail: expect.stringMatching(/wants ver=2; the pods have ver=1.*"selector":{"ver":"1"}/)
      }
    ]
  })
  const ports = scene({ app: 'web' }, 'web', false)
  expect((await examined(ports)).risks).toMatchObject([
    { detail: expect.stringMatching(/wants the container port web; the pods have http \(8080\).*"value":"http"/) }
  ])
})

test('a Service that leads to both templates is not mentioned, one that leads to neither is a note', async () => {
  expect(await examined(scene({ app: 'web' }, 8080, false))).toEqual({ risks: [], blockers: [], notes: [] })
  expect(await examined(scene({ app: 'web', ver: '1' }, 8080, false))).toEqual({ risks: [], blockers: [], notes: [] })
  expect(await examined(scene({ app: 'web' }, 'metrics', false))).toMatchObject({
    risks: [],
    notes: [expect.stringMatching(/Port 80 of the Service web leads nowhere, before and after/)]
  })
})

test('a PodMonitor that follows only the failed template is a risk', async () => {
  const monitor = async (spec: JsonObject) => {
    const cluster = scene({ app: 'web' }, 8080, false)
    const path = '/apis/monitoring.coreos.com/v1/namespaces/shop/podmonitors/web'
    cluster.objects.set(path, { metadata: { name: 'web' }, spec })
    return (await examined(cluster)).risks.map(({ detail }) => detail)
  }
  const followed = { matchLabels: { app: 'web' } }
  expect(await monitor({ selector: followed, podMetricsEndpoints: [{ port: 'web' }] })).toEqual([
    expect.stringMatching(/has no port web/)
  ])
  expect(await monitor({ selector: { matchLabels: { ver: '2' } } })).toEqual([expect.stringMatching(/selector/)])
  expect(await monitor({ selector: followed })).toEqual([])
})
