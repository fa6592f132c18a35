import { expect, test } from 'vitest'
import { observe } from '../../../../src/targets/kubernetes/workloads/observe.ts'
import { deployment, fakeCluster, put, replicaSet } from '../fake-cluster.ts'

test.each([
  [0, ['web-2'], /deployment\/web keeps no earlier revision, because its revisionHistoryLimit is 0/],
  [0, ['web-1', 'web-2'], null],
  [10, ['web-2'], null]
])('a revisionHistoryLimit of %i with %j is named where it is why there is no candidate', async (limit, kept, note) => {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  const sets = kept.map((name) => replicaSet('web', Number(name.slice(4)), `web:${name.slice(4)}`))
  put(cluster, deployment('web', { image: 'web:2', spec: { revisionHistoryLimit: limit } }), ...sets)
  const { observation } = await observe(cluster.context, AbortSignal.timeout(60_000))
  expect(observation.notes).toEqual(note ? [expect.stringMatching(note)] : [])
})
