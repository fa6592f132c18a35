import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { ApiFailure } from '../../../../src/targets/kubernetes/client/failure.ts'
import { examineMembers } from '../../../../src/targets/kubernetes/preflight/release-members.ts'
import { changeOf } from '../../../../src/targets/kubernetes/workloads/plan-steps.ts'
import { readWorkloads } from '../../../../src/targets/kubernetes/workloads/read.ts'
import { deployment, type FakeCluster, fakeCluster, put, replicaSet } from '../fake-cluster.ts'

const signal = AbortSignal.timeout(60_000)
const at = (minute: string): string => `2026-01-01T00:${minute}:00Z`

/** A Deployment that went from web:1 to web:2, of the version that its label names. */
function scene(
  labels: JsonObject = { 'app.kubernetes.io/version': '2', 'app.kubernetes.io/part-of': 'shop' }
): FakeCluster {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  const made = deployment('web', { image: 'web:2' })
  const object = { ...made, metadata: { ...(made.metadata as JsonObject), labels } }
  put(cluster, object, replicaSet('web', 1, 'web:1', at('10')), replicaSet('web', 2, 'web:2', at('50')))
  return cluster
}

const pods = (image: string): JsonObject => ({ template: { spec: { containers: [{ name: 'main', image }] } } })

function add(cluster: FakeCluster, path: string, name: string, more: JsonObject, metadata: JsonObject = {}): void {
  cluster.objects.set(`${path.replace('NS', 'namespaces/shop')}/${name}`, {
    metadata: { name, namespace: 'shop', uid: name, ...metadata },
    ...more
  })
}

async function examined(cluster: FakeCluster) {
  const workloads = await readWorkloads(cluster.context, signal)
  const [workload] = workloads
  const revision = workload?.revisions.find(({ number }) => number === 1)
  if (!workload || !revision) throw new Error('there is no former revision')
  const found = await examineMembers(cluster.context, workloads, [changeOf(workload, revision)], signal)
  return { ...found, told: Object.fromEntries(found.risks.map(({ id, detail }) => [id.split(':')[0], detail])) }
}

test.each([
  ['batch/v1', false],
  ['batch/v1beta1', true]
])('a CronJob that runs the failed image is named with the command that sets it back (%s)', async (version, isOld) => {
  const cluster = scene()
  add(cluster, `/apis/${version}/NS/cronjobs`, 'clean', { spec: { jobTemplate: { spec: pods('web:2') } } })
  add(
    cluster,
    '/apis/batch/v1/NS/jobs',
    'clean-1',
    { spec: pods('web:2') },
    {
      ownerReferences: [{ uid: 'clean', kind: 'CronJob', name: 'clean', controller: true }]
    }
  )
  if (isOld)
    cluster.before(({ doing, path }) => {
      if (path === '/apis/batch/v1/namespaces/shop/cronjobs') throw new ApiFailure(doing, 404, {})
    })
  const { told, risks } = await examined(cluster)
  expect(told).toEqual({
    stays: 'cronjob/clean runs web:2 ("kubectl -n shop set image cronjob/clean main=web:1").'
  })
  expect(risks[0]?.serious).toBe(true)
})

test('Jobs of the failed version that ran are named, hooks as such; those of the old version are not', async () => {
  const cluster = scene()
  const jobs = '/apis/batch/v1/NS/jobs'
  const of = { 'app.kubernetes.io/part-of': 'shop' }
  add(cluster, jobs, 'migrate-2', { spec: pods('web:2'), status: { succeeded: 1 } })
  add(
    cluster,
    jobs,
    'migrate-1',
    { spec: pods('web:1'), status: { succeeded: 1 } },
    { labels: of, creationTimestamp: at('49') }
  )
  add(
    cluster,
    jobs,
    'schema',
    { spec: pods('flyway:9'), status: { succeeded: 1 } },
    {
      labels: of,
      annotations: { 'helm.sh/hook': 'pre-upgrade' },
      creationTimestamp: at('49')
    }
  )
  add(
    cluster,
    jobs,
    'before',
    { spec: pods('flyway:8'), status: { succeeded: 1 } },
    { labels: of, creationTimestamp: at('09') }
  )
  add(cluster, jobs, 'other', { spec: pods('flyway:9') }, { labels: { app: 'other' }, creationTimestamp: at('49') })
  expect((await examined(cluster)).told).toEqual({
    ran: 'job/migrate-2 ran web:2; job/schema ran as helm.sh/hook: pre-upgrade.'
  })
})

test('other workloads and ConfigMaps of the same release are named, by image, label or time', async () => {
  const cluster = scene()
  const tracked = { 'argocd.argoproj.io/tracking-id': 'shop:apps/ConfigMap:shop/x' }
  add(
    cluster,
    '/apis/apps/v1/NS/deployments',
    'worker',
    { spec: { selector: {}, ...pods('web:2') } },
    { labels: { app: 'w' } }
  )
  add(cluster, '/apis/apps/v1/NS/deployments', 'alien', { spec: { selector: {}, ...pods('other:2') } })
  const configs = '/api/v1/NS/configmaps'
  add(
    cluster,
    configs,
    'labelled',
    {},
    { labels: { 'app.kubernetes.io/version': '2', 'app.kubernetes.io/part-of': 'shop' } }
  )
  add(
    cluster,
    configs,
    'alien',
    {},
    { labels: { 'app.kubernetes.io/version': '2', 'app.kubernetes.io/part-of': 'else' } }
  )
  add(
    cluster,
    configs,
    'old',
    {},
    { labels: { 'app.kubernetes.io/version': '1', 'app.kubernetes.io/part-of': 'shop' } }
  )
  const { told, risks, notes } = await examined(cluster)
  expect(told).toEqual({
    stays: 'deployment/worker runs web:2 ("kubectl -n shop set image deployment/worker main=web:1").',
    config_stays: 'configmap/labelled is labelled app.kubernetes.io/version=2.'
  })
  expect(risks.map(({ serious }) => serious)).toEqual([true, false])
  expect(notes).toEqual([expect.stringMatching(/deployment\/web keeps app.kubernetes.io\/version=2/)])

  const byArgo = scene({ 'argocd.argoproj.io/instance': 'shop', 'argocd.argoproj.io/tracking-id': 'shop' })
  const time = (minute: string): JsonObject => ({ annotations: tracked, creationTimestamp: at(minute) })
  add(byArgo, configs, 'with', {}, time('45'))
  add(byArgo, configs, 'before', {}, time('05'))
  expect((await examined(byArgo)).told).toEqual({
    config_stays: 'configmap/with was created or changed with that version.'
  })
})

test('what may not be listed is named as not checked', async () => {
  const cluster = scene({})
  cluster.before(({ doing, path }) => {
    if (path.includes('/batch/')) throw new ApiFailure(doing, 403, {})
  })
  expect(await examined(cluster)).toMatchObject({
    risks: [],
    notes: [expect.stringMatching(/do not allow reading cronjobs, jobs in shop/)]
  })
})
