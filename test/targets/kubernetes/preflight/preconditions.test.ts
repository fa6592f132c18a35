import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { ApiFailure, unreachable } from '../../../../src/targets/kubernetes/client/failure.ts'
import type { WorkloadChange } from '../../../../src/targets/kubernetes/objects/move.ts'
import { dryRunFindings, tryPod, tryPods } from '../../../../src/targets/kubernetes/preflight/pod-dry-run.ts'
import { examineQuotas } from '../../../../src/targets/kubernetes/preflight/quota.ts'
import { strategyRisks } from '../../../../src/targets/kubernetes/preflight/strategy-risks.ts'
import { tryChanges } from '../../../../src/targets/kubernetes/preflight/template-dry-run.ts'
import { changeOf } from '../../../../src/targets/kubernetes/workloads/plan-steps.ts'
import { readWorkloads } from '../../../../src/targets/kubernetes/workloads/read.ts'
import { releasesOf } from '../../../../src/targets/kubernetes/workloads/releases.ts'
import { putTemplate } from '../../../../src/targets/kubernetes/workloads/steps/put-template.ts'
import { testRun } from '../../../../testkit/target-context.ts'
import { deployment, type FakeCluster, fakeCluster, pod, podPath, put, replicaSet } from '../fake-cluster.ts'
import { virtualClock } from '../virtual-clock.ts'

const signal = AbortSignal.timeout(60_000)

/** A Deployment at its second revision, and the change back to its first. */
async function scene(
  spec: JsonObject = {},
  annotations: JsonObject = {}
): Promise<{ cluster: FakeCluster; change: WorkloadChange }> {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  const made = deployment('web', { image: 'web:1.2.0', spec })
  const object = { ...made, metadata: { ...(made.metadata as JsonObject), annotations } }
  put(cluster, object, replicaSet('web', 1, 'web:1.1.0'), replicaSet('web', 2, 'web:1.2.0'), pod('web', 2, 'a'))
  const [workload] = await readWorkloads(cluster.context, signal)
  const revision = workload?.revisions.find(({ number }) => number === 1)
  if (!workload || !revision) throw new Error('there is no former revision')
  return { cluster, change: changeOf(workload, revision) }
}

const fails = (cluster: FakeCluster, method: string, error: Error, path = ''): void =>
  cluster.before((request) => {
    if (request.method === method && request.path.includes(path)) throw error
  })

test('a quota with room for exactly one more pod is no blocker', async () => {
  const { cluster, change } = await scene({ strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } })
  const containers = [{ resources: { requests: { cpu: '100m' } } }]
  cluster.objects.set('/api/v1/namespaces/shop/resourcequotas/small', {
    metadata: { name: 'small', namespace: 'shop' },
    status: { hard: { 'requests.cpu': '300m' }, used: { 'requests.cpu': '200m' } }
  })
  cluster.objects.set('/api/v1/namespaces/shop/pods', { metadata: { name: 'tried' }, spec: { containers } })
  expect(
    (await examineQuotas(cluster.context, [change], tryPods(cluster.context, [change], signal), signal)).blockers
  ).toEqual([])
})

test.each([
  [500, 'Internal error occurred: failed calling webhook "policy.example": timeout', 'blockers'],
  [403, 'pods "web-" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true', 'blockers'],
  [422, "ValidatingAdmissionPolicy 'cve' with binding 'cve' denied request: image 1 has a CVE", 'blockers'],
  [403, 'pods "web-" is forbidden: no PriorityClass with name gold was found', 'blockers'],
  [403, 'pods "web-" is forbidden: unable to validate against any pod security policy: []', 'pod_doubted'],
  [403, 'admission webhook "bare" denied the request: user jane may not create pods', 'pod_doubted'],
  [403, 'pods is forbidden: User "jane" cannot create resource "pods" in API group ""', 'pod_untried'],
  [400, 'admission webhook "inject" does not support dry run', 'pod_untried'],
  [500, 'etcdserver: request timed out', 'pod_untried']
])('what a dry run of a pod ends with (%i %s) is quoted', async (status, message, told) => {
  const { cluster, change } = await scene()
  fails(cluster, 'POST', new ApiFailure('Trying a pod', status, { message }))
  const { blockers = [], risks = [] } = dryRunFindings(
    change,
    await tryPod(cluster.context, change.workload, change.revision, signal)
  )
  const said = message.replaceAll('"', "'")
  if (told === 'blockers') {
    expect(blockers).toMatchObject([{ why: `"${said}"` }])
    expect(risks).toEqual([])
  } else expect([blockers, risks]).toMatchObject([[], [{ id: expect.stringContaining(told) }]])
})

test('a refused pod is a risk alone where every former pod is still there', async () => {
  const { cluster, change } = await scene()
  fails(cluster, 'POST', new ApiFailure('Trying a pod', 403, { message: 'denied' }))
  cluster.objects.set(podPath('web-1-b'), pod('web', 1, 'b'))
  const [workload] = await readWorkloads(cluster.context, signal)
  const found = dryRunFindings(
    { ...change, ...(workload && { workload }) },
    await tryPod(cluster.context, change.workload, change.revision, signal)
  )
  expect(found).toMatchObject({ risks: [{ serious: true }] })
  expect(found.blockers).toBeUndefined()
})

test('a pod is tried as one of its controller, which policies against pods without one let pass', async () => {
  const { cluster, change } = await scene()
  const bodies: unknown[] = []
  cluster.before(({ method, body }) => method === 'POST' && bodies.push(body))
  await tryPod(cluster.context, change.workload, change.revision, signal)
  expect(bodies).toMatchObject([
    { metadata: { ownerReferences: [{ kind: 'ReplicaSet', name: 'web-1', controller: true }] } }
  ])
})

test('a server that is away or too busy for a dry run does not count as a refusal', async () => {
  const { cluster, change } = await scene()
  fails(cluster, 'PATCH', unreachable('cluster.example', 'connection refused'))
  await expect(tryChanges(cluster.context, [change], signal)).rejects.toMatchObject({ code: 'unreachable' })
  fails(cluster, 'PATCH', new ApiFailure('Changing', 503, { message: 'too busy' }))
  const [busy] = await tryChanges(cluster.context, [change], signal)
  expect(busy).toMatchObject({ what: expect.stringMatching(/could not try to change/), why: '"too busy"' })
  fails(cluster, 'PATCH', new ApiFailure('Changing', 422, { message: 'no such image allowed' }))
  const [refused] = await tryChanges(cluster.context, [change], signal)
  expect(refused).toMatchObject({ what: expect.stringMatching(/refuses to change/) })
})

test('keeping the last-applied configuration is retried like the change itself', async () => {
  const { cluster, change } = await scene({}, { 'kubectl.kubernetes.io/last-applied-configuration': '{}' })
  let failed = 0
  cluster.before(({ method, path }) => {
    if (method === 'PATCH' && path.includes('/replicasets/') && failed++ === 0)
      throw new ApiFailure('Marking', 503, { message: 'too busy' })
  })
  const put = putTemplate({ ...cluster.context, clock: virtualClock() }, change.move, 'to', testRun())
  expect(await put).toMatchObject({ changed: true })
  expect(failed).toBe(2)
})

test('the template that waits in a paused Deployment is current, and a risk says that undoing loses it', async () => {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  put(cluster, deployment('web', { image: 'web:1.2.0', spec: { paused: true } }), replicaSet('web', 1, 'web:1.1.0'))
  const workloads = await readWorkloads(cluster.context, signal)
  const { current, releases } = releasesOf(workloads)
  expect([current.version, ...releases.map(({ version }) => version)]).toEqual(['1.2.0', '1.1.0'])
  const [workload] = workloads
  const [revision] = workload?.revisions ?? []
  if (!workload || !revision) throw new Error('there is no former revision')
  const { risks } = strategyRisks(cluster.context, workload, revision)
  expect(risks).toMatchObject([{ serious: true, detail: expect.stringMatching(/undoing cannot restore it/) }])
  const { move } = changeOf(workload, revision)
  put(cluster, deployment('web', { image: 'web:1.1.0' }))
  await expect(putTemplate(cluster.context, move, 'from', testRun())).rejects.toMatchObject({
    code: 'revision_gone',
    next: 'Apply its manifest again.'
  })
})
