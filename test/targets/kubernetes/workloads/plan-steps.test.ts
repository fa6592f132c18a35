import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { metadataSchema, podSchema } from '../../../../src/targets/kubernetes/objects/objects.ts'
import { slotOf } from '../../../../src/targets/kubernetes/objects/pods.ts'
import { markOf } from '../../../../src/targets/kubernetes/objects/revision.ts'
import { templateHash } from '../../../../src/targets/kubernetes/objects/template.ts'
import { changeOf, stepsFor } from '../../../../src/targets/kubernetes/workloads/plan-steps.ts'
import { readWorkloads } from '../../../../src/targets/kubernetes/workloads/read.ts'
import { deployment, fakeCluster, podPath, statefulSetPath, template } from '../fake-cluster.ts'

const signal = AbortSignal.timeout(60_000)
const owner = [{ uid: 'db', kind: 'StatefulSet', name: 'db', controller: true }]

const revision = (number: number, image: string): JsonObject => ({
  metadata: { name: `db-${number}`, namespace: 'shop', uid: `db-${number}`, ownerReferences: owner },
  revision: number,
  data: { spec: { template: template('db', image) } }
})

const podOf = (number: number, ordinal: number, ready: boolean, more: JsonObject = {}): JsonObject => ({
  metadata: {
    name: `db-${ordinal}`,
    namespace: 'shop',
    uid: `db-${ordinal}`,
    labels: { 'controller-revision-hash': `db-${number}` },
    ownerReferences: owner
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }], ...more }
})

const crashedSince = (startedAt: string): JsonObject => ({
  containerStatuses: [
    { name: 'web', restartCount: 2, state: { running: { startedAt } }, lastState: { terminated: { exitCode: 3 } } }
  ]
})

/** The steps of a StatefulSet with these pods from its second revision to its first. */
async function stepsWith(pods: JsonObject[], spec: JsonObject = {}) {
  const cluster = fakeCluster({ workloads: ['statefulset/db'] })
  const status = { updateRevision: 'db-2', currentRevision: 'db-1' }
  cluster.objects.set(
    statefulSetPath('db'),
    deployment('db', { image: 'db:1.2.0', replicas: pods.length, status, spec })
  )
  const revisions = '/apis/apps/v1/namespaces/shop/controllerrevisions'
  cluster.objects.set(`${revisions}/db-1`, revision(1, 'db:1.1.0'))
  cluster.objects.set(`${revisions}/db-2`, revision(2, 'db:1.2.0'))
  for (const one of pods) cluster.objects.set(podPath((one.metadata as { name: string }).name), one)
  const [workload] = await readWorkloads(cluster.context, signal)
  const candidate = workload?.revisions.find(({ number }) => number === 1)
  if (!workload || !candidate) throw new Error('there is no candidate')
  return stepsFor(
    cluster.context,
    [changeOf(workload, candidate)],
    { from: null, to: { version: '1.1.0', id: 'x', available: { state: 'yes' } } },
    true
  )
}

test('a pod that crashes again and again is deleted even while it seems healthy, so the plan stays the same', async () => {
  const crashed = crashedSince(new Date().toISOString())
  const wanted = await stepsWith([podOf(1, 0, true), podOf(2, 1, false, crashed)])
  expect(wanted.map(({ kind }) => kind)).toEqual(['roll_back', 'delete_pods', 'mark'])
  expect(await stepsWith([podOf(1, 0, true), podOf(2, 1, true, crashed)])).toEqual(wanted)
})

test('a pod that crashed long ago and serves since is not deleted', async () => {
  const steps = await stepsWith([podOf(2, 0, true, crashedSince('2026-01-01T00:00:00Z')), podOf(2, 1, true)])
  expect(steps.map(({ kind }) => kind)).toEqual(['roll_back', 'mark'])
})

test('the plan does not depend on which pods of an OnDelete workload serve at the moment', async () => {
  const spec = { updateStrategy: { type: 'OnDelete' } }
  const wanted = await stepsWith([podOf(2, 0, true), podOf(2, 1, true)], spec)
  expect(wanted[1]).toMatchObject({ kind: 'replace_pods', params: { pods: [{ name: 'db-1' }, { name: 'db-0' }] } })
  expect(await stepsWith([podOf(2, 0, false), podOf(2, 1, true)], spec)).toEqual(wanted)
})

test("a DaemonSet's pod that is not scheduled yet is identified by its intended node", () => {
  const terms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-7'] }] }]
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } }
  const waiting = podSchema.parse({ metadata: { name: 'agent-x' }, spec: { affinity }, status: { phase: 'Pending' } })
  expect(slotOf(waiting, { kind: 'daemonset' })).toBe('node-7')
  const placed = podSchema.parse({ metadata: { name: 'agent-x' }, spec: { affinity, nodeName: 'node-8' } })
  expect(slotOf(placed, { kind: 'daemonset' })).toBe('node-8')
  expect(slotOf(placed, { kind: 'statefulset' })).toBe('agent-x')
})

test('the next observation reads a mark that was set manually', async () => {
  const steps = await stepsWith([podOf(2, 0, true)])
  const [command = ''] = steps.at(-1)?.manualCommands ?? []
  const [, name = '', text = ''] = / --overwrite ([\w./-]+)=(.*)$/.exec(command) ?? []
  // As a shell reads it.
  const value = text.replace('$(date -u +%FT%TZ)', '2026-01-01T00:00:00Z').replaceAll("'", '')
  const marked = metadataSchema.parse({ name: 'db-2', annotations: { [name]: value } })
  expect(markOf(marked)).toMatchObject({ revision: 'db-2', at: '2026-01-01T00:00:00Z', rollback_id: 'by-hand' })
})

test('undoing works for a revision whose template lacks defaults of a newer server', async () => {
  const cluster = fakeCluster({ workloads: ['statefulset/db'] })
  const status = { updateRevision: 'db-2' }
  cluster.objects.set(statefulSetPath('db'), deployment('db', { image: 'db:1.2.0', status }))
  const older = { data: { spec: { template: { ...template('db', 'db:1.2.0'), metadata: { labels: {} } } } } }
  const revisions = '/apis/apps/v1/namespaces/shop/controllerrevisions'
  cluster.objects.set(`${revisions}/db-1`, revision(1, 'db:1.1.0'))
  cluster.objects.set(`${revisions}/db-2`, { ...revision(2, 'db:1.2.0'), ...older })
  const [workload] = await readWorkloads(cluster.context, signal)
  const [now, before] = workload?.revisions ?? []
  if (!workload || !now || !before) throw new Error('there are no revisions')
  expect(changeOf(workload, before).move.from).toEqual({
    revision: 'db-2',
    hash: templateHash(workload.object.spec.template),
    own: now.hash
  })
})
