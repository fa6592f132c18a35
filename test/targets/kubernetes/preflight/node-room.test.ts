import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { examineRoom } from '../../../../src/targets/kubernetes/preflight/node-room.ts'
import { readNodes } from '../../../../src/targets/kubernetes/preflight/nodes.ts'
import { tryPods } from '../../../../src/targets/kubernetes/preflight/pod-dry-run.ts'
import { changeOf } from '../../../../src/targets/kubernetes/workloads/plan-steps.ts'
import { readWorkloads } from '../../../../src/targets/kubernetes/workloads/read.ts'
import { deployment, fakeCluster, pod, put, replicaSet } from '../fake-cluster.ts'

const signal = AbortSignal.timeout(10_000)

const requesting = (cpu: string): JsonObject => ({
  containers: [{ name: 'web', image: 'web:1', resources: { requests: { cpu } } }]
})
const on = (nodeName: string, cpu: string): JsonObject => ({ ...requesting(cpu), nodeName })

interface Given {
  /** What the old template requests. */
  requests: string
  /** What else runs, and where. */
  others?: JsonObject[]
  /** Of the Deployment, whose failed pod requests 300m on node-a. */
  strategy?: JsonObject
  more?: JsonObject
}

/** One Deployment of one pod at its second revision, on nodes of one core each. */
async function found({ requests, others = [], strategy = {}, more = {} }: Given, change?: (page: JsonObject) => void) {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  const mine = { ...pod('web', 2, 'a'), spec: on('node-a', '300m') }
  put(
    cluster,
    deployment('web', { image: 'web:2', spec: { strategy } }),
    replicaSet('web', 1, 'web:1'),
    replicaSet('web', 2, 'web:2'),
    mine
  )
  for (const name of ['node-a', 'node-b'])
    cluster.objects.set(`/api/v1/nodes/${name}`, {
      metadata: { name },
      status: { allocatable: { cpu: '1', pods: '10' } },
      ...more
    })
  const page: JsonObject = { metadata: {}, items: [mine, ...others.map((spec) => ({ spec }))] }
  change?.(page)
  cluster.objects.set('/api/v1/pods', page)
  cluster.objects.set('/api/v1/namespaces/shop/pods', { spec: requesting(requests) })
  const [workload] = await readWorkloads(cluster.context, signal)
  const revision = workload?.revisions.find(({ number }) => number === 1)
  if (!workload || !revision) throw new Error('there is no former revision')
  const changes = [changeOf(workload, revision)]
  const reading = readNodes(cluster.context, signal)
  return examineRoom(cluster.context, changes, { reading, dryRuns: tryPods(cluster.context, changes, signal) }, signal)
}

const keepsAll = { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
const mayStop = { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } }
const nearlyFull = [on('node-a', '500m'), on('node-b', '900m')]

test.each<[string, Given]>([
  ['a node has room', { requests: '600m' }],
  ['the old pod makes room and may stop first', { requests: '400m', others: nearlyFull, strategy: mayStop }],
  ['nothing is requested', { requests: '0', others: nearlyFull }]
])('nothing is said where %s', async (_name, given) => {
  expect(await found(given)).toEqual({ risks: [], blockers: [], notes: [] })
})

test.each<[string, Given, RegExp]>([
  [
    'even without the old pods',
    { requests: '600m', others: nearlyFull, strategy: mayStop },
    /^Once every old pod is gone, the emptiest of 2 nodes that fit has 500m of cpu left \(600m requested\)\.$/
  ],
  [
    'and no old pod may stop first',
    { requests: '400m', others: nearlyFull, strategy: keepsAll },
    /^Now the emptiest of 2 nodes that fit has 200m of cpu left \(400m requested\), and no old pod may stop .*stand still\.$/
  ],
  [
    'for its number of pods',
    {
      requests: '0',
      others: [...Array(10).fill(on('node-a', '0')), ...Array(10).fill(on('node-b', '0'))],
      strategy: keepsAll
    },
    /0 of pods left \(1 requested\)/
  ]
])('a pod that no node has room for is a serious risk with the numbers: %s', async (_name, given, detail) => {
  const { risks, blockers } = await found(given)
  expect(blockers).toEqual([])
  expect(risks).toMatchObject([
    { id: 'no_room:deployment/shop/web', serious: true, detail: expect.stringMatching(detail) }
  ])
})

test('an autoscaler of nodes makes it no serious risk', async () => {
  const more = { metadata: { name: 'node-a', labels: { 'karpenter.sh/nodepool': 'x' } } }
  const { risks } = await found({ requests: '600m', others: nearlyFull, more })
  expect(risks).toMatchObject([{ serious: false, detail: expect.stringMatching(/An autoscaler may add a node/) }])
})

test('a cluster with more pods than can be read at once is not judged', async () => {
  const { risks, notes } = await found({ requests: '600m', others: nearlyFull }, (page) => {
    page.metadata = { continue: 'x' }
  })
  expect(risks).toEqual([])
  expect(notes).toEqual([expect.stringMatching(/^More than .* is not checked\.$/)])
})
