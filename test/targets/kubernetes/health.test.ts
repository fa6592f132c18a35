import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import { check } from '../../../src/targets/kubernetes/check.ts'
import { healthTogether } from '../../../src/targets/kubernetes/health.ts'
import { releasesOf } from '../../../src/targets/kubernetes/releases.ts'
import { readWorkloads } from '../../../src/targets/kubernetes/workload.ts'
import { deployment, type FakeCluster, fakeCluster, pod, put, replicaSet } from './fake-cluster.ts'

const signal = AbortSignal.timeout(60_000)
const evicted: JsonObject = { phase: 'Failed', reason: 'Evicted', conditions: [] }

const healthOf = async ({ workshop }: FakeCluster) => healthTogether(await readWorkloads(workshop, signal))

async function checksOf({ workshop }: FakeCluster, baseline?: JsonObject) {
  const { current } = releasesOf(await readWorkloads(workshop, signal))
  const { checks, observed } = await check(workshop, current, { signal, ...(baseline && { baseline }) })
  return { checks, observed, bad: checks.filter(({ status }) => status !== 'pass') }
}

test('an evicted pod that its ReplicaSet has replaced speaks neither against health nor against a rollback', async () => {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  put(cluster, deployment('web'), replicaSet('web', 1, 'web:1.1.0'), pod('web', 1, 'a', evicted), pod('web', 1, 'b'))
  expect(await healthOf(cluster)).toMatchObject({ state: 'healthy' })
  expect((await checksOf(cluster)).bad).toEqual([])
})
