import { expect, test } from 'vitest'
import { createMask } from '../../../../src/support/mask.ts'
import type { HelmRevision } from '../../../../src/targets/kubernetes/helm/history.ts'
import { objectsOf } from '../../../../src/targets/kubernetes/helm/manifest.ts'
import { isScaled, replicaRisks } from '../../../../src/targets/kubernetes/helm/replicas.ts'
import { workloadSchema } from '../../../../src/targets/kubernetes/objects/objects.ts'
import type { Workload } from '../../../../src/targets/kubernetes/objects/workload.ts'
import { fakeCluster } from '../fake-cluster.ts'

const address = { kind: 'deployment', namespace: 'shop', name: 'web' } as const
const scaler = { name: 'web', address, wants: 5 }
const workload: Workload = {
  address,
  object: workloadSchema.parse({ metadata: { name: 'web' }, spec: { replicas: 5 } }),
  hash: '',
  revisions: [],
  current: null,
  pods: null,
  readAt: 0
}

/** A revision whose manifest sets so many replicas, or none. */
async function revisionWith(revision: number, replicas: number | null): Promise<HelmRevision> {
  const spec = replicas === null ? '' : `spec: {replicas: ${replicas}}`
  const manifest = `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n${spec}\n`
  const objects = await objectsOf(manifest, 'shop', createMask())
  const record = { revision, updated: '', status: 'deployed', chart: '', appVersion: '', description: '' }
  return { ...record, content: { hash: String(revision), objects, hooks: [] } }
}

test.each<[string, { from: number | null; to: number | null; scaled: boolean }, string | null]>([
  [
    'are put back where an autoscaler has set more',
    { from: 2, to: 2, scaled: true },
    'Helm sets the 2 of revision 1; 5 are set now. The same step puts the 5 back at once.'
  ],
  [
    'become 1 where only the present manifest sets them',
    { from: 3, to: null, scaled: true },
    'Helm sets the 1 of revision 1; 5 are set now. The same step puts the 5 back at once.'
  ],
  [
    "are the autoscaler's to lower",
    { from: 2, to: 8, scaled: true },
    'Helm sets the 8 of revision 1; 5 are set now. The autoscaler changes that again.'
  ],
  [
    'are a serious risk without an autoscaler',
    { from: 2, to: 2, scaled: false },
    'Revision 1 sets 2. If it needs 5, scale it right after the rollback: "kubectl -n shop scale deployment/web --replicas=5".'
  ],
  ['are no risk where they become more', { from: 2, to: 8, scaled: false }, null],
  ['are no risk where no manifest sets them', { from: null, to: null, scaled: false }, null]
])('the replicas that Helm sets %s', async (_title, { from, to, scaled }, detail) => {
  const sides = { from: await revisionWith(2, from), to: await revisionWith(1, to) }
  const risks = replicaRisks(fakeCluster().context, [workload], scaled ? [scaler] : [], sides)
  expect(risks.map((risk) => risk.detail)).toEqual(detail === null ? [] : [detail])
  expect(risks.every(({ serious }) => serious === !scaled)).toBe(true)
})

test.each<[number | null, number | null, boolean]>([
  [2, null, true],
  [null, 2, true],
  [null, null, false]
])(
  'an autoscaler is heeded in both directions where a manifest sets replicas: %s and %s',
  async (from, to, expected) => {
    const [a, b] = [(await revisionWith(2, from)).content, (await revisionWith(1, to)).content]
    expect(isScaled(address, [scaler], a, b)).toBe(expected)
    expect(isScaled(address, [], a, b)).toBe(false)
  }
)
