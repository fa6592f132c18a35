import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { ApiFailure } from '../../../../src/targets/kubernetes/client/failure.ts'
import { podSpecSchema } from '../../../../src/targets/kubernetes/objects/pod-size.ts'
import { readNodes } from '../../../../src/targets/kubernetes/preflight/nodes.ts'
import { unfitReason } from '../../../../src/targets/kubernetes/preflight/placement.ts'
import { tryPods } from '../../../../src/targets/kubernetes/preflight/pod-dry-run.ts'
import { examineScheduling } from '../../../../src/targets/kubernetes/preflight/scheduling.ts'
import { changeOf } from '../../../../src/targets/kubernetes/workloads/plan-steps.ts'
import { readWorkloads } from '../../../../src/targets/kubernetes/workloads/read.ts'
import { deployment, fakeCluster, pod, put, replicaSet } from '../fake-cluster.ts'

const signal = AbortSignal.timeout(60_000)
const node = (name: string, labels: JsonObject = {}, spec: JsonObject = {}): JsonObject => ({
  metadata: { name, labels },
  spec,
  status: { allocatable: { cpu: '2', memory: '4Gi' } }
})
const terms = (...matchExpressions: JsonObject[]): JsonObject => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } }
  }
})
const requests = (amounts: JsonObject): JsonObject => ({ containers: [{ resources: { requests: amounts } }] })
const gpu = { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] }

async function reasonOn(made: JsonObject, spec: JsonObject): Promise<string | null> {
  const cluster = fakeCluster()
  cluster.objects.set('/api/v1/nodes/a', made)
  const [first] = (await readNodes(cluster.context, signal)) ?? []
  return first ? unfitReason(first, podSpecSchema.parse(spec), []) : 'no node'
}

test.each<[string, JsonObject, JsonObject, string | null]>([
  ['a selector', node('a', { disk: 'hdd' }), { nodeSelector: { disk: 'ssd' } }, 'no label disk=ssd'],
  ['a selector that fits', node('a', { disk: 'ssd' }), { nodeSelector: { disk: 'ssd' } }, null],
  [
    'an affinity',
    node('a', { zone: 'c' }),
    terms({ key: 'zone', operator: 'In', values: ['a', 'b'] }),
    'node affinity not met: zone In a|b'
  ],
  ['a number', node('a', { gen: '5' }), terms({ key: 'gen', operator: 'Gt', values: ['3'] }), null],
  ['a taint', node('a', {}, gpu), {}, 'taint gpu=yes:NoSchedule'],
  ['a tolerated taint', node('a', {}, gpu), { tolerations: [{ key: 'gpu', operator: 'Exists' }] }, null],
  ['a preference', node('a', {}, { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] }), {}, null],
  ['another scheduler', node('a', {}, gpu), { schedulerName: 'fargate-scheduler' }, null],
  ['a cordon', node('a', {}, { unschedulable: true }), {}, 'taint node.kubernetes.io/unschedulable:NoSchedule'],
  [
    'a topology',
    node('a'),
    { topologySpreadConstraints: [{ topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }] },
    'no label zone'
  ],
  ['its size', node('a'), requests({ memory: '8Gi' }), 'only 4096Mi of memory in all, 8192Mi requested'],
  ['a device', node('a'), requests({ 'nvidia.com/gpu': '1' }), 'no nvidia.com/gpu'],
  ['a small pod', node('a'), requests({ memory: '1Gi', cpu: '100m' }), null]
])('a node is held against a pod by %s', async (_name, made, spec, reason) => {
  expect(await reasonOn(made, spec)).toBe(reason)
})

const statusMap = '/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status'

/** Going back to a template that needs a label which no node has. */
async function found(change: (cluster: ReturnType<typeof fakeCluster>) => void = () => undefined) {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  put(cluster, deployment('web', { image: 'web:2' }), replicaSet('web', 1, 'web:1'), replicaSet('web', 2, 'web:2'))
  put(cluster, pod('web', 2, 'a'))
  const [workload] = await readWorkloads(cluster.context, signal)
  const revision = workload?.revisions.find(({ number }) => number === 1)
  if (!workload || !revision) throw new Error('there is no former revision')
  Object.assign(revision.template.spec, { nodeSelector: { disk: 'ssd' } })
  cluster.objects.set('/api/v1/nodes/a', node('a'))
  cluster.objects.set('/api/v1/nodes/b', node('b'))
  change(cluster)
  const changes = [changeOf(workload, revision)]
  const reading = readNodes(cluster.context, signal)
  const dryRuns = tryPods(cluster.context, changes, signal)
  return examineScheduling(cluster.context, changes, { reading, dryRuns }, signal)
}

test('a template that no node can take is a blocker that says why', async () => {
  expect((await found()).blockers).toMatchObject([{ why: '0 of 2 nodes fit: no label disk=ssd' }])
})

test('where nodes may be added it is a serious risk, and where they may not be read a note', async () => {
  const scaled = await found((cluster) => cluster.objects.set(statusMap, { metadata: { name: 'x' } }))
  expect(scaled.blockers).toEqual([])
  expect(scaled.risks).toMatchObject([{ serious: true, detail: expect.stringContaining('An autoscaler may add one') }])
  const refuse = (at: string) => (cluster: ReturnType<typeof fakeCluster>) =>
    cluster.before(({ path }) => {
      if (path === at) throw new ApiFailure('Reading', 403, { message: 'forbidden' })
    })
  expect((await found(refuse(statusMap))).risks).toMatchObject([
    { detail: expect.stringContaining('Whether an autoscaler adds nodes is unknown') }
  ])
})

test('a volume that is bound to another zone is a reason', async () => {
  const { blockers } = await found((cluster) => {
    cluster.objects.set('/api/v1/nodes/c', node('c', { disk: 'ssd', zone: 'a' }))
    cluster.objects.set('/api/v1/namespaces/shop/persistentvolumeclaims/data', { spec: { volumeName: 'pv' } })
    const inB = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] }] }
    cluster.objects.set('/api/v1/persistentvolumes/pv', { spec: { nodeAffinity: { required: inB } } })
    cluster.objects.set('/api/v1/namespaces/shop/pods', {
      spec: { nodeSelector: { disk: 'ssd' }, volumes: [{ persistentVolumeClaim: { claimName: 'data' } }] }
    })
  })
  expect(blockers).toMatchObject([
    { why: '0 of 3 nodes fit: no label disk=ssd (2); volume of data is out of reach: zone In b (1)' }
  ])
})
