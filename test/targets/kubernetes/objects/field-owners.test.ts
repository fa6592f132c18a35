import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { adoptedFields } from '../../../../src/targets/kubernetes/objects/field-owners.ts'
import { workloadSchema } from '../../../../src/targets/kubernetes/objects/objects.ts'
import { applierRisks } from '../../../../src/targets/kubernetes/preflight/appliers.ts'
import { changeOf } from '../../../../src/targets/kubernetes/workloads/plan-steps.ts'
import { readWorkloads } from '../../../../src/targets/kubernetes/workloads/read.ts'
import { deployment, fakeCluster, put, replicaSet } from '../fake-cluster.ts'

const template = (fields: JsonObject): JsonObject => ({ 'f:spec': { 'f:template': { 'f:spec': fields } } })
const entry = (manager: string, operation: string, fieldsV1: JsonObject): JsonObject => ({
  manager,
  operation,
  apiVersion: 'apps/v1',
  time: '2026-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1
})
const withFields = (...managedFields: JsonObject[]): JsonObject => {
  const made = deployment('web')
  return { ...made, metadata: { ...(made.metadata as JsonObject), managedFields } }
}
const adopted = (...managedFields: JsonObject[]) => adoptedFields(workloadSchema.parse(withFields(...managedFields)))

const name = { 'k:{"name":"web"}': { '.': {}, 'f:name': {} } }
const ours = entry('pop-deploy-rollback', 'Update', {
  'f:metadata': { 'f:annotations': { 'f:kubernetes.io/change-cause': {}, 'f:other': {} } },
  'f:spec': {
    'f:paused': {},
    'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:image': {} } } } }
  }
})
const kubelet = entry('kube-controller-manager', 'Update', { 'f:status': { 'f:replicas': {} } })

test('who applies the template takes over what we changed of it, and nothing else', () => {
  const applied = entry('kubectl', 'Apply', template({ 'f:containers': name }))
  expect(adopted(applied, kubelet, ours)).toEqual([
    entry('kubectl', 'Apply', {
      'f:spec': {
        'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:name': {}, 'f:image': {} } } } }
      },
      'f:metadata': { 'f:annotations': { 'f:kubernetes.io/change-cause': {} } }
    }),
    kubelet,
    entry('pop-deploy-rollback', 'Update', {
      'f:metadata': { 'f:annotations': { 'f:other': {} } },
      'f:spec': { 'f:paused': {} }
    })
  ])
  expect(adopted(applied, entry('pop-deploy-rollback', 'Update', template({ 'f:a': {} })))).toHaveLength(1)
})

test('nothing is taken over where nobody applies the template, or several do, or nothing is ours', () => {
  const applied = (manager: string) => entry(manager, 'Apply', template({ 'f:containers': name }))
  expect(adopted(entry('kubectl', 'Update', template({ 'f:containers': name })), ours)).toBeNull()
  expect(adopted(entry('scaler', 'Apply', { 'f:spec': { 'f:replicas': {} } }), ours)).toBeNull()
  expect(adopted(applied('kubectl'), applied('mesh'), ours)).toBeNull()
  expect(adopted(applied('kubectl'), kubelet)).toBeNull()
  expect(adopted()).toBeNull()
})

test('several who apply the template are a risk that names them and what stays', async () => {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  const applied = (manager: string) => entry(manager, 'Apply', template({ 'f:containers': name }))
  const old = replicaSet('web', 1, 'web:1.0.0') as { spec: { template: JsonObject } }
  old.spec.template = { spec: { containers: [{ name: 'web' }, { name: 'proxy', env: [{ name: 'OLD', value: 'x' }] }] } }
  put(cluster, withFields(applied('kubectl'), applied('mesh')), old, replicaSet('web', 2, 'web:1.1.0'))
  const [workload] = await readWorkloads(cluster.context, AbortSignal.timeout(10_000))
  const revision = workload?.revisions.find(({ number }) => number === 1)
  if (!workload || !revision) throw new Error('there is no former revision')
  expect(applierRisks(changeOf(workload, revision))).toMatchObject([
    { detail: expect.stringMatching(/^kubectl and mesh .*stays: container proxy, variable OLD of proxy\.$/) }
  ])
})
