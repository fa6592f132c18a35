import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../../src/model/json.ts'
import type { Step } from '../../../../../src/model/step.ts'
import type { SharedLists } from '../../../../../src/targets/kubernetes/client/follow-list.ts'
import type { Move } from '../../../../../src/targets/kubernetes/objects/move.ts'
import {
  type Pod,
  podSchema,
  type WorkloadObject,
  workloadSchema
} from '../../../../../src/targets/kubernetes/objects/objects.ts'
import { templateHash } from '../../../../../src/targets/kubernetes/objects/template.ts'
import { steps } from '../../../../../src/targets/kubernetes/steps.ts'
import { followRollout } from '../../../../../src/targets/kubernetes/workloads/steps/follow-rollout.ts'
import { obstacleOf } from '../../../../../src/targets/kubernetes/workloads/steps/obstacle.ts'
import { requireWayBack } from '../../../../../src/targets/kubernetes/workloads/steps/way-back.ts'
import { testRun } from '../../../../../testkit/target-context.ts'
import {
  deployment,
  type FakeCluster,
  fakeCluster,
  pod,
  podPath,
  put,
  replicaSet,
  statefulSetPath
} from '../../fake-cluster.ts'
import { virtualClock } from '../../virtual-clock.ts'

const signal = AbortSignal.timeout(60_000)
const hashOf = (object: JsonObject): string => templateHash(workloadSchema.parse(object).spec.template)
const now = Date.now()
const ago = (ms: number): string => new Date(now - ms).toISOString()

const failing = (message: string): JsonObject => ({
  conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }]
})
const unschedulable = (message: string): JsonObject => ({
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }]
})
const event = (uid: string, reason: string, message: string): JsonObject => ({
  metadata: { name: reason },
  reason,
  message,
  lastTimestamp: ago(500),
  involvedObject: { uid }
})

/** A Deployment that was put back to its first revision, and what the cluster has beside it. */
function scene(more: {
  status?: JsonObject
  spec?: JsonObject
  kind?: Move['kind']
  pods?: JsonObject[]
  event?: JsonObject
}) {
  const cluster = fakeCluster()
  const object = deployment('web', {
    image: 'web:1',
    spec: more.spec ?? {},
    status: { availableReplicas: 0, ...more.status }
  })
  put(cluster, object, replicaSet('web', 1, 'web:1'), replicaSet('web', 2, 'web:2'))
  for (const one of more.pods ?? []) cluster.objects.set(podPath(String((one.metadata as JsonObject).name)), one)
  if (more.event) cluster.objects.set('/api/v1/namespaces/shop/events/e', more.event)
  const move = {
    kind: more.kind ?? 'deployment',
    namespace: 'shop',
    name: 'web',
    uid: 'web',
    from: { revision: 'web-2', hash: hashOf(replicaSet('web', 2, 'web:2')) },
    to: { revision: 'web-1', hash: hashOf(object) },
    paused: false
  } satisfies Move
  const pods = (more.pods ?? []).map((one) => podSchema.parse(one))
  const read = () =>
    obstacleOf(cluster.context, { move, object: workloadSchema.parse(object), pods }, now - 5000, signal)
  return { cluster, move, read }
}

const policy = 'pods "web-" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'

test.each<[string, Parameters<typeof scene>[0], RegExp, number]>([
  ['a policy', { status: failing(policy) }, /violates PodSecurity/, 3000],
  ['a denial', { status: failing('admission webhook "x" denied the request: no') }, /denied the request/, 3000],
  [
    'a webhook that is down',
    { status: failing('Internal error occurred: failed calling webhook "x"') },
    /webhook/,
    30_000
  ],
  // The old pods are gone, and the quota has not been counted again yet.
  ['a quota', { status: failing('pods "web-" is forbidden: exceeded quota: q') }, /exceeded quota/, 120_000],
  ['a StatefulSet', { kind: 'statefulset', event: event('web', 'FailedCreate', policy) }, /violates PodSecurity/, 3000],
  [
    'the scheduler of 1.20',
    {
      pods: [pod('web', 1, 'a', unschedulable("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity."))]
    },
    /web-1-a cannot be scheduled: ".*node affinity/,
    30_000
  ],
  [
    'the scheduler of 1.36',
    {
      pods: [
        pod(
          'web',
          1,
          'a',
          unschedulable(
            "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
          )
        )
      ]
    },
    /Preemption is not helpful/,
    30_000
  ]
])('what keeps a rollout without its pods is quoted: %s', async (_name, more, why, graceMs) => {
  expect(await scene(more).read()).toMatchObject({ why: expect.stringMatching(why), graceMs })
})

const full = unschedulable('0/1 nodes are available: 1 Insufficient memory.')

test.each<[string, Parameters<typeof scene>[0]]>([
  ['pods that end make room', { pods: [pod('web', 1, 'a', full), pod('web', 2, 'a')] }],
  ['a quota gets free', { status: failing('pods "web-" is forbidden: exceeded quota: q'), pods: [pod('web', 2, 'a')] }],
  ['a node is added', { pods: [pod('web', 1, 'a', full)], event: event('web-1-a', 'TriggeredScaleUp', '1->2') }],
  [
    'the event is older',
    { kind: 'statefulset', event: { ...event('web', 'FailedCreate', policy), lastTimestamp: ago(60_000) } }
  ]
])('a rollout is waited for where %s', async (_name, more) => {
  expect(await scene(more).read()).toBeNull()
})

const held = (finalizers: string[], managedFields: JsonObject[] = [], forMs = 60_000): JsonObject => {
  const one = pod('web', 2, 'a')
  const metadata = { ...(one.metadata as JsonObject), deletionTimestamp: ago(forMs), finalizers, managedFields }
  return { ...one, metadata, spec: { nodeName: 'node-7' } }
}

test('a pod that cannot go is named with its finalizer and who set it, where the rollout waits for it', async () => {
  const managedFields = [
    { manager: 'backup-operator', fieldsV1: { 'f:metadata': { 'f:finalizers': { 'v:"a.example/hold"': {} } } } }
  ]
  const pods = [held(['a.example/hold'], managedFields)]
  const spec = { strategy: { type: 'Recreate' } }
  expect((await scene({ spec, pods }).read())?.why).toMatch(
    /the finalizer a.example\/hold holds it, which backup-operator set/
  )
  // A busy node is no reason to give up.
  expect(await scene({ spec, pods: [held([])] }).read()).toBeNull()
  expect((await scene({ spec, pods: [held([], [], 400_000)] }).read())?.why).toMatch(/its node node-7 does not confirm/)
  expect(await scene({ pods }).read()).toBeNull()
  expect(await scene({ spec, pods: [...pods, pod('web', 1, 'a')] }).read()).toBeNull()
})

/** Its server answers, and nothing ever changes. */
const silent = <T>(): SharedLists<T> => ({
  async follow(_request, interest, until) {
    interest.inTouch?.(true)
    await new Promise((resolve) => until.addEventListener('abort', resolve, { once: true }))
  }
})

test('following a rollout ends with the refusal long before its deadline', async () => {
  const { cluster, move } = scene({ status: failing(policy) })
  const clock = virtualClock()
  clock.at(300_000, () => {
    throw new Error('it waited on')
  })
  const context = { ...cluster.context, clock, lists: { workloads: silent<WorkloadObject>(), pods: silent<Pod>() } }
  const began = clock.now().getTime()
  await expect(followRollout(context, move, testRun())).rejects.toMatchObject({
    code: 'held_up',
    why: expect.stringContaining('violates PodSecurity')
  })
  expect(clock.now().getTime() - began).toBeLessThan(60_000)
})

const overQuota = failing(
  'pods "web-" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
)

test('a quota that still counts a pod that is gone is waited for; one that stays full is quoted', async () => {
  const complete = { availableReplicas: 1, updatedReplicas: 1, conditions: [] }
  for (const isCounted of [true, false]) {
    const { cluster, move } = scene({ status: overQuota })
    const clock = virtualClock()
    const served: ((items: WorkloadObject[]) => void)[] = []
    if (isCounted)
      clock.at(60_000, () => {
        const done = deployment('web', { image: 'web:1', status: complete })
        put(cluster, done)
        for (const tell of served) tell([workloadSchema.parse(done)])
      })
    const workloads: SharedLists<WorkloadObject> = {
      async follow(request, interest, until) {
        served.push(interest.tell)
        await silent<WorkloadObject>().follow(request, interest, until)
      }
    }
    const context = { ...cluster.context, clock, lists: { workloads, pods: silent<Pod>() } }
    const following = followRollout(context, move, testRun())
    if (isCounted) await following
    else
      await expect(following).rejects.toMatchObject({
        code: 'held_up',
        why: expect.stringContaining('limited: pods=1')
      })
  }
})

const refusePods = (cluster: FakeCluster): void => {
  cluster.objects.set('/api/v1/nodes/a', { metadata: { name: 'a', labels: { disk: 'hdd' } } })
  cluster.objects.set('/api/v1/namespaces/shop/pods', { spec: { nodeSelector: { disk: 'ssd' } } })
}

test('a template is not put back over pods that serve, where its own are impossible', async () => {
  const spec = { replicas: 2 }
  const serving = scene({ spec, pods: [pod('web', 1, 'a')] })
  refusePods(serving.cluster)
  await expect(requireWayBack(serving.cluster.context, serving.move, testRun())).rejects.toMatchObject({
    code: 'no_way_back',
    why: expect.stringContaining('no label disk=ssd'),
    state: '1 pods of web-1 serve, and were left.'
  })
  // Where nothing serves, or every former pod is still there, nothing is lost.
  for (const pods of [[], [pod('web', 1, 'a'), pod('web', 2, 'a'), pod('web', 2, 'b')]]) {
    const other = scene({ spec, pods })
    refusePods(other.cluster)
    await requireWayBack(other.cluster.context, other.move, testRun())
  }
})

test('undoing OnDelete deletes no pod that serves where its former one is impossible', async () => {
  const { cluster, move } = scene({})
  const labelled = (revision: string, ordinal: number): JsonObject => {
    const one = pod('web', 1, 'a')
    const owner = { uid: 'web', kind: 'StatefulSet', name: 'web', controller: true }
    const labels = { app: 'web', 'controller-revision-hash': revision }
    return {
      ...one,
      metadata: { ...(one.metadata as JsonObject), name: `web-${ordinal}`, labels, ownerReferences: [owner] }
    }
  }
  const object = deployment('web', { image: 'web:1', replicas: 2, spec: { updateStrategy: { type: 'OnDelete' } } })
  cluster.objects.set(statefulSetPath('web'), object)
  cluster.objects.set(podPath('web-0'), labelled('web-2', 0))
  cluster.objects.set(podPath('web-1'), labelled('web-1', 1))
  const { template } = replicaSet('web', 2, 'web:2').spec as { template: JsonObject }
  const owner = { uid: 'web', kind: 'StatefulSet', name: 'web', controller: true }
  cluster.objects.set('/apis/apps/v1/namespaces/shop/controllerrevisions/web-2', {
    metadata: { name: 'web-2', uid: 'web-2', ownerReferences: [owner] },
    revision: 2,
    data: { spec: { template } }
  })
  refusePods(cluster)
  const params = {
    server: 'cluster.example',
    move: { ...move, kind: 'statefulset' },
    pods: [{ name: 'web-1', place: 'web-1' }]
  }
  const step: Step = { id: 'pods', kind: 'replace_pods', phase: 'switch', title: '', params, undo: null }
  await expect(steps.revert(cluster.context, step, testRun())).rejects.toMatchObject({ code: 'no_way_back' })
  expect(cluster.objects.has(podPath('web-1'))).toBe(true)
})
