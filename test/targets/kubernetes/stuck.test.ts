import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import type { Step } from '../../../src/model/step.ts'
import type { SharedLists } from '../../../src/targets/kubernetes/client/follow-list.ts'
import { type Pod, type WorkloadObject, workloadSchema } from '../../../src/targets/kubernetes/objects/objects.ts'
import { templateHash } from '../../../src/targets/kubernetes/objects/template.ts'
import { steps } from '../../../src/targets/kubernetes/steps.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { deployment, type FakeCluster, fakeCluster, podPath, statefulSetPath } from './fake-cluster.ts'
import { virtualClock } from './virtual-clock.ts'

const podOf = (revision: string, ordinal: number, ready: boolean): JsonObject => ({
  metadata: {
    name: `db-${ordinal}`,
    namespace: 'shop',
    uid: `db-${ordinal}-${revision}`,
    labels: { 'controller-revision-hash': `db-${revision}` },
    ownerReferences: [{ uid: 'db', kind: 'StatefulSet', name: 'db', controller: true }]
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] }
})

/** A StatefulSet whose template is that of db-b, and a step that leads from db-b to db-a. */
function scene(spec: JsonObject, ...pods: JsonObject[]): { cluster: FakeCluster; step: (kind: string) => Step } {
  const cluster = fakeCluster()
  const object = deployment('db', { replicas: pods.length, spec, status: { updateRevision: 'db-b', readyReplicas: 0 } })
  cluster.objects.set(statefulSetPath('db'), object)
  for (const one of pods) cluster.objects.set(podPath((one.metadata as { name: string }).name), one)
  const hash = templateHash(workloadSchema.parse(object).spec.template)
  const move = {
    kind: 'statefulset',
    namespace: 'shop',
    name: 'db',
    uid: 'db',
    from: { revision: 'db-b', hash },
    to: { revision: 'db-a', hash: 'a' },
    paused: false,
    follow: true,
    ordered: true
  }
  const params = {
    server: 'cluster.example',
    moves: [move],
    move: { ...move, from: move.to, to: move.from },
    pods: ['db-1']
  }
  return { cluster, step: (kind) => ({ id: kind, kind, phase: 'switch', title: '', params, undo: null }) }
}

test('undoing deletes the candidate’s pods that do not serve and keep an ordered StatefulSet stuck, and no others', async () => {
  const { cluster, step } = scene({}, podOf('a', 0, true), podOf('a', 1, false), podOf('b', 2, false))
  expect(await steps.revert(cluster.context, step('roll_back'), testRun())).toEqual({
    detail: 'the former template is back; pods deleted that kept it stuck: 1'
  })
  expect(cluster.acts).toEqual([`DELETE ${podPath('db-1')}`])
})

test.each<JsonObject>([{ podManagementPolicy: 'Parallel' }, { updateStrategy: { type: 'OnDelete' } }])(
  'undoing deletes no pod of a StatefulSet with %o',
  async (spec) => {
    const { cluster, step } = scene(spec, podOf('a', 0, true), podOf('a', 1, false))
    await steps.revert(cluster.context, step('roll_back'), testRun())
    expect(cluster.acts).toEqual([])
  }
)

test('a pod that crashes again and again is deleted when it does not serve', async () => {
  const { cluster, step } = scene({}, podOf('a', 0, true), podOf('a', 1, true))
  const clock = virtualClock()
  const silent = <T>(): SharedLists<T> => ({
    follow: (_request, _interest, signal) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  })
  let complete: (() => void) | undefined
  const workloads: SharedLists<WorkloadObject> = {
    follow(request, interest, signal) {
      complete = () =>
        interest.tell([workloadSchema.parse(deployment('db', { replicas: 2, status: { updateRevision: 'db-b' } }))])
      return silent<WorkloadObject>().follow(request, interest, signal)
    }
  }
  clock.at(5000, () => {
    expect(cluster.acts).toEqual([])
    cluster.objects.set(podPath('db-0'), podOf('a', 0, false))
    cluster.objects.set(podPath('db-1'), podOf('a', 1, false))
  })
  clock.at(12_000, () => complete?.())
  const context = { ...cluster.context, clock, lists: { workloads, pods: silent<Pod>() } }
  expect(await steps.apply(context, step('delete_pods'), testRun())).toEqual({ detail: '1 deleted and replaced' })
  // The other one is not among those that the plan named.
  expect(cluster.acts).toEqual([`DELETE ${podPath('db-1')}`])
})
