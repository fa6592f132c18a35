import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../../src/model/json.ts'
import type { Step } from '../../../../../src/model/step.ts'
import { ApiFailure } from '../../../../../src/targets/kubernetes/client/failure.ts'
import { steps } from '../../../../../src/targets/kubernetes/steps.ts'
import { planRehearsal } from '../../../../../src/targets/kubernetes/workloads/plan-rehearsal.ts'
import { changeOf } from '../../../../../src/targets/kubernetes/workloads/plan-steps.ts'
import { readWorkloads } from '../../../../../src/targets/kubernetes/workloads/read.ts'
import { testRun } from '../../../../../testkit/target-context.ts'
import { deployment, type FakeCluster, fakeCluster, pod, podPath, put, replicaSet } from '../../fake-cluster.ts'
import { virtualClock } from '../../virtual-clock.ts'

const signal = AbortSignal.timeout(60_000)
const name = 'web-deployment-popkit-try'
const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
const between = { from: null, to: { version: '1', id: '1', available: { state: 'yes' as const }, notes: [] } }

interface Made {
  config?: JsonObject
  /** What the old template has beyond its container, and the status of the Deployment. */
  template?: JsonObject
  status?: JsonObject
}

/** A Recreate Deployment at its second revision; a pod that is created becomes as `becomes` says. */
async function scene({ config = {}, template = {}, status = {} }: Made, becomes: JsonObject | Error = {}) {
  const cluster = fakeCluster({ workloads: ['deployment/web'], ...config })
  const former = replicaSet('web', 1, 'web:1')
  Object.assign(((former.spec as JsonObject).template as { spec: JsonObject }).spec, template)
  const object = deployment('web', { image: 'web:2', spec: { strategy: { type: 'Recreate' } }, status })
  put(cluster, object, former, replicaSet('web', 2, 'web:2'), pod('web', 2, 'a'))
  cluster.objects.set(reviews, { status: { allowed: true } })
  const [workload] = await readWorkloads(cluster.context, signal)
  const revision = workload?.revisions.find(({ number }) => number === 1)
  if (!workload || !revision) throw new Error('there is no former revision')
  const clock = virtualClock()
  const created: JsonObject[] = []
  cluster.before(({ method, path, body }) => {
    if (method !== 'POST' || path !== '/api/v1/namespaces/shop/pods') return
    if (becomes instanceof Error) throw becomes
    const made = body as JsonObject
    created.push(made)
    cluster.objects.set(podPath(name), { ...made, status: becomes })
  })
  const context = { ...cluster.context, clock }
  const planned = await planRehearsal(context, [changeOf(workload, revision)], between, signal)
  const [step] = planned.steps
  const apply = (one: Step | undefined = step) => steps.apply(context, one as Step, testRun())
  return { cluster, context, planned, step, apply, created }
}

const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
const pending = (message: string): JsonObject => ({
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }]
})
const removed = ({ objects }: FakeCluster): boolean => !objects.has(podPath(name))

test('the pod of a rehearsal keeps only labels by which nothing selects pods, and is removed', async () => {
  const { cluster, apply, created } = await scene({}, ready)
  cluster.objects.set('/api/v1/namespaces/shop/services/web', {
    metadata: { name: 'web' },
    spec: { selector: { app: 'x' } }
  })
  expect(await apply()).toEqual({ detail: expect.stringMatching(/^ready after .*, then removed$/) })
  expect(created).toMatchObject([
    {
      metadata: {
        name,
        labels: { 'rollback.popkit/rehearsal': 'web' },
        ownerReferences: [{ kind: 'Deployment', controller: true }]
      }
    }
  ])
  expect(created[0]).not.toHaveProperty('metadata.labels.app')
  expect(removed(cluster)).toBe(true)
})

test('without room for one more pod nothing is proven and the rollback goes on, unless the proof was asked for', async () => {
  const full = pending('0/1 nodes are available: 1 Insufficient memory.')
  const quota = new ApiFailure('Creating', 403, { message: 'pods "x" is forbidden: exceeded quota: q' })
  for (const becomes of [full, quota]) {
    expect(await (await scene({}, becomes)).apply()).toEqual({ detail: expect.stringMatching(/^not proven, no room/) })
    const asked = await scene({ config: { rehearse: true } }, becomes)
    await expect(asked.apply()).rejects.toThrow()
    expect(removed(asked.cluster)).toBe(true)
  }
})

test('a candidate that does not become ready ends the rehearsal, and its pod is removed', async () => {
  const { cluster, apply } = await scene({}, pending("1 node(s) didn't match Pod's node affinity/selector."))
  await expect(apply()).rejects.toMatchObject({ code: 'not_healthy', why: expect.stringMatching(/node affinity/) })
  expect(removed(cluster)).toBe(true)
})

test('a rehearsal is skipped where nothing serves, leaves foreign pods alone, and removes what a former try left', async () => {
  const down = await scene({ status: { availableReplicas: 0 } }, ready)
  expect(await down.apply()).toEqual({ detail: 'skipped: nothing serves that could be lost' })
  const { cluster, context, step, apply } = await scene({}, ready)
  cluster.objects.set(podPath(name), pod('web', 1, 'x'))
  await expect(apply()).rejects.toMatchObject({ code: 'name_taken' })
  const left = { metadata: { name, uid: 'u', labels: { 'rollback.popkit/rehearsal': 'web' } } }
  cluster.objects.set(podPath(name), left)
  await steps.revert(context, step as Step, testRun())
  expect(removed(cluster)).toBe(true)
})

test.each<[string, JsonObject, RegExp]>([
  ['a volume claim', { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] }, /volume claim data/],
  ['a folder of the node', { volumes: [{ name: 'd', hostPath: { path: '/srv' } }] }, /\/srv of their node/],
  ['a host port', { containers: [{ name: 'web', image: 'web:1', ports: [{ hostPort: 80 }] }] }, /ports of its node/],
  ['the host network', { hostNetwork: true }, /ports of its node/]
])(
  'with %s it is said that nothing is proven, and asking for the proof blocks the plan',
  async (_name, template, why) => {
    const byDefault = (await scene({ template })).planned
    expect(byDefault).toMatchObject({ steps: [], blockers: [], risks: [{ detail: expect.stringMatching(why) }] })
    const asked = (await scene({ template, config: { rehearse: true } })).planned
    expect(asked).toMatchObject({ steps: [], risks: [], blockers: [{ why: expect.stringMatching(why) }] })
    expect((await scene({ template, config: { rehearse: false } })).planned).toMatchObject({ steps: [], risks: [] })
  }
)

test('a rehearsal is skipped where the template is in place already', async () => {
  const { cluster, apply } = await scene({}, ready)
  put(cluster, deployment('web', { image: 'web:1' }))
  expect(await apply()).toEqual({ detail: 'skipped: the template is in place already' })
})
