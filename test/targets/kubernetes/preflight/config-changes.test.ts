import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { ApiFailure } from '../../../../src/targets/kubernetes/client/failure.ts'
import { examineReferences } from '../../../../src/targets/kubernetes/preflight/references.ts'
import { changeOf } from '../../../../src/targets/kubernetes/workloads/plan-steps.ts'
import { readWorkloads } from '../../../../src/targets/kubernetes/workloads/read.ts'
import { remember } from '../../../../src/targets/kubernetes/workloads/remember.ts'
import { deployment, fakeCluster, pod, put, replicaSet } from '../fake-cluster.ts'

const signal = AbortSignal.timeout(60_000)
const path = '/api/v1/namespaces/shop/configmaps/app'
const at = (minute: string): string => `2026-01-01T00:${minute}:00Z`

const template = (image: string): JsonObject => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image, envFrom: [{ configMapRef: { name: 'app' } }] }] }
})
const withTemplate = (object: JsonObject, image: string): JsonObject => ({
  ...object,
  spec: { ...(object.spec as JsonObject), template: template(image) }
})
const withMeta = (object: JsonObject, more: JsonObject): JsonObject => ({
  ...object,
  metadata: { ...(object.metadata as JsonObject), ...more }
})

interface Made {
  server?: string
  changedAt?: string
  created?: string
  version?: string
  kept?: string
  podVersion?: string
}

/** Version 1 from 00:10 on, version 2 from 00:50 on; both name the ConfigMap. */
function scene({ server = 'v1.36.0', changedAt, created = at('09'), version = '7', kept, podVersion }: Made) {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  const memory = { revision: 'web-1', objects: { 'configmaps/app': kept ?? '' } }
  const old = withTemplate(replicaSet('web', 1, '', at('10')), 'web:1')
  put(
    cluster,
    withTemplate(deployment('web'), 'web:2'),
    withTemplate(replicaSet('web', 2, '', at('50')), 'web:2'),
    kept
      ? withMeta(old, {
          annotations: {
            'deployment.kubernetes.io/revision': '1',
            'rollback.popkit/configuration': JSON.stringify(memory)
          }
        })
      : old,
    ...(podVersion ? [withMeta(pod('web', 1, 'a'), { resourceVersion: podVersion })] : [])
  )
  cluster.objects.set('/version', { gitVersion: server })
  cluster.objects.set(path, {
    metadata: {
      name: 'app',
      uid: 'app',
      resourceVersion: version,
      creationTimestamp: created,
      managedFields: [{ manager: 'kubectl', time: changedAt ?? created }]
    }
  })
  return cluster
}

async function risks(made: Made) {
  const cluster = scene(made)
  const [workload] = await readWorkloads(cluster.context, signal)
  const revision = workload?.revisions.find(({ number }) => number === 1)
  if (!workload || !revision) throw new Error('there is no former revision')
  const found = await examineReferences(cluster.context, [changeOf(workload, revision)], signal)
  return found.risks.map(({ id, serious, detail }) => [id, serious, detail])
}

const changed = (serious: boolean, detail: RegExp) => [
  ['config_changed:configmaps/shop/app', serious, expect.stringMatching(detail)]
]

test('a change is held against the start of the old version, and against that of the next one', async () => {
  expect(await risks({})).toEqual([])
  expect(await risks({ changedAt: at('55') })).toEqual(changed(true, /superseded at/))
  expect(await risks({ changedAt: at('49') })).toEqual(changed(true, /shortly before the next revision/))
  expect(await risks({ changedAt: at('20') })).toEqual(changed(false, /while that revision served/))
  expect(await risks({ created: '2026-01-01T00:10:05Z' })).toEqual([])
})

test('before Kubernetes 1.25 a change of a value is found by resource versions, or unknown', async () => {
  const old = { server: 'v1.20.2' }
  expect(await risks({ ...old, version: '10', podVersion: '9' })).toEqual(
    changed(true, /after the pod web-1-a became ready/)
  )
  const unknown = [
    ['config_unknown', false, expect.stringMatching(/configmaps\/shop\/app.*older than Kubernetes 1.25/)]
  ]
  expect(await risks({ ...old, version: '9', podVersion: '10' })).toEqual(unknown)
  expect(await risks({ ...old, version: '9' })).toEqual(unknown)
})

test('what was kept when the version was proven is certain, on every server', async () => {
  const old = { server: 'v1.20.2' }
  expect(await risks({ ...old, kept: 'app/7' })).toEqual([])
  expect(await risks({ kept: 'app/7', changedAt: at('49') })).toEqual([])
  expect(await risks({ kept: 'app/6' })).toEqual(changed(true, /written to since/))
  expect(await risks({ kept: 'other/6' })).toEqual(changed(true, /deleted and created again/))
})

test('what is kept is identity and resource version alone, and nothing fails without the right to keep it', async () => {
  const cluster = scene({})
  const bodies: unknown[] = []
  cluster.before(({ method, body }) => {
    if (method === 'PATCH') bodies.push(body)
  })
  await remember(cluster.context, signal)
  const text = JSON.stringify({ revision: 'web-2', objects: { 'configmaps/app': 'app/7' } })
  expect(bodies).toEqual([{ metadata: { annotations: { 'rollback.popkit/configuration': text } } }])
  cluster.before(({ method, doing }) => {
    if (method === 'PATCH') throw new ApiFailure(doing, 403, {})
  })
  await remember(cluster.context, signal)
})
