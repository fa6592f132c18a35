import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { pinned } from '../../../../src/targets/kubernetes/objects/pins.ts'
import { differByRestart } from '../../../../src/targets/kubernetes/objects/restarts.ts'
import { templateHash } from '../../../../src/targets/kubernetes/objects/template.ts'
import { reread } from '../../../../src/targets/kubernetes/steps.ts'
import { check } from '../../../../src/targets/kubernetes/workloads/check.ts'
import { observe } from '../../../../src/targets/kubernetes/workloads/observe.ts'
import { changeOf, stepsFor } from '../../../../src/targets/kubernetes/workloads/plan-steps.ts'
import { readWorkloads } from '../../../../src/targets/kubernetes/workloads/read.ts'
import { releasesOf } from '../../../../src/targets/kubernetes/workloads/releases.ts'
import { withDigests } from '../../../../src/targets/kubernetes/workloads/same-image.ts'
import { deployment, deploymentPath, type FakeCluster, fakeCluster, pod, put, replicaSet } from '../fake-cluster.ts'

const signal = AbortSignal.timeout(60_000)
const digest = (of: string): string => `web@sha256:${of.repeat(64)}`

const template = (annotations: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
  metadata: { labels: { app: 'web' }, annotations },
  spec: { containers: [{ name: 'web', image: 'web:latest', ...more }] }
})
const restarted = { 'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z' }
const withTemplate = (object: JsonObject, of: JsonObject): JsonObject => ({
  ...object,
  spec: { ...(object.spec as JsonObject), template: of }
})
const runs = (revision: number, name: string, imageID: string): JsonObject =>
  pod('web', revision, name, { containerStatuses: [{ name: 'web', imageID, ready: true }] })

/** A Deployment that was restarted: both revisions have the tag "latest". */
async function planned(pods: JsonObject[], history: JsonObject[] = [], failed = template(restarted)) {
  const cluster = fakeCluster({ workloads: ['deployment/web'] })
  const old = withTemplate(replicaSet('web', 1, ''), template())
  put(cluster, withTemplate(deployment('web'), failed), withTemplate(replicaSet('web', 2, ''), failed), old, ...pods)
  const [workload] = await readWorkloads(cluster.context, signal)
  const revision = workload?.revisions.find(({ number }) => number === 1)
  if (!workload || !revision) throw new Error('there is no former revision')
  const records = history.map((snapshot) => ({
    at: '',
    target: 'kubernetes',
    version: 'x',
    status: 'success',
    snapshot: { 'deployment/shop/web': { template: revision.hash, ...snapshot } }
  }))
  const context = { ...cluster.context, history: records }
  const { changes, found } = await withDigests(context, [changeOf(workload, revision)], signal)
  return { cluster, found, pins: changes[0]?.move.to.pins, change: changes[0], workload }
}

test.each([
  ['kubectl', 'kubectl.kubernetes.io/restartedAt', 'x'],
  ['Rancher', 'cattle.io/timestamp', 'x'],
  ['Reloader', 'reloader.stakater.com/last-reloaded-from', '{}'],
  ['a chart', 'checksum/config', 'abc'],
  ['a person', 'why', '1767225600']
])('what makes a controller replace the pods is no difference: %s', (_who, name, value) => {
  const parts = (of: JsonObject) => of as Parameters<typeof differByRestart>[0]
  expect(differByRestart(parts(template()), parts(template({ [name]: value })))).toBe(true)
  expect(differByRestart(parts(template()), parts(template({ 'sidecar.istio.io/inject': 'true' })))).toBe(false)
  expect(differByRestart(parts(template()), parts(template({}, { env: [{ name: 'A', value: '1' }] })))).toBe(false)
})

test('a template that differs by a restart alone changes nothing, which is a blocker that names the image', async () => {
  const id = `docker://sha256:${'b'.repeat(64)}`
  const { found, pins } = await planned([runs(2, 'a', id)])
  expect(pins).toBeUndefined()
  expect(found.blockers).toMatchObject([
    {
      id: 'nothing_changes:deployment/shop/web',
      why: expect.stringContaining('new pods of both run web:latest (sha256:bbbbbbbbbbbb)'),
      next: expect.stringContaining('set image deployment/web web=docker.io/library/web@sha256:DIGEST')
    }
  ])
})

test('the nodes name other digests of the same repository', async () => {
  const { change, cluster } = await planned([runs(2, 'a', digest('b'))])
  cluster.objects.set('/api/v1/nodes/a', {
    status: { images: [{ names: [digest('a')] }, { names: [digest('b'), 'web:latest'] }, { names: ['other:1'] }] }
  })
  if (!change) throw new Error('there is no change')
  const { found } = await withDigests(cluster.context, [change], signal)
  expect(found.blockers[0]?.next).toContain(`the nodes have ${digest('a')}`)
  expect(found.blockers[0]?.next).not.toContain(digest('b'))
})

test('the digest that pods of the old template still run is put into it', async () => {
  const { found, pins } = await planned([runs(1, 'a', `docker-pullable://${digest('a')}`), runs(2, 'a', digest('b'))])
  expect(found.blockers).toEqual([])
  expect(found.risks).toMatchObject([{ id: 'pinned:deployment/shop/web', serious: false }])
  expect(pins).toEqual({ web: digest('a') })
})

test('a recorded digest is put into the old template, of the same repository alone', async () => {
  const present = [runs(2, 'a', digest('b'))]
  expect((await planned(present, [{ images: { web: digest('a') } }])).pins).toEqual({ web: digest('a') })
  const evil = await planned(present, [{ images: { web: digest('a').replace('web', 'evil.example/web') } }])
  expect(evil.pins).toBeUndefined()
  expect(evil.found.blockers).toHaveLength(1)
})

test('an image that did not move is not fixed, and another template is no blocker', async () => {
  const other = template({}, { env: [{ name: 'A', value: '1' }] })
  const { found, pins } = await planned([runs(1, 'a', digest('a')), runs(2, 'a', digest('a'))], [], other)
  expect({ found, pins }).toEqual({ found: { risks: [], blockers: [], notes: [] }, pins: undefined })
})

test('a template with a fixed image is still the revision that it was made from', async () => {
  const { cluster, change } = await planned([runs(1, 'a', digest('a')), runs(2, 'a', digest('b'))])
  if (!change) throw new Error('there is no change')
  const release = (of: FakeCluster) => readWorkloads(of.context, signal).then(releasesOf)
  const wanted = (await release(cluster)).releases.find(({ id }) => id.endsWith('@web-1'))
  const fixed = JSON.parse(JSON.stringify(change.revision.template)) as JsonObject
  put(
    cluster,
    withTemplate(deployment('web'), fixed),
    withTemplate(replicaSet('web', 3, ''), fixed),
    runs(3, 'a', digest('a'))
  )
  const { current, releases } = await release(cluster)
  expect(current).toMatchObject({ id: wanted?.id, version: wanted?.version })
  expect(releases.map(({ id }) => id)).toEqual(['deployment/shop/web@web-2'])
  const identity = async () =>
    (await check(cluster.context, wanted ?? current, { signal })).checks.find(({ id }) => id.startsWith('identity'))
  expect(await identity()).toMatchObject({ status: 'pass' })
  const changed = JSON.parse(JSON.stringify(fixed).replaceAll('a'.repeat(64), 'c'.repeat(64))) as JsonObject
  const marks = (fixed.metadata as JsonObject).annotations as JsonObject
  const image = { ...changed, metadata: { labels: { app: 'web' }, annotations: marks } }
  cluster.objects.set(deploymentPath('web'), withTemplate(deployment('web'), image))
  expect(await identity()).toMatchObject({ status: 'fail' })
})

test('one of several workloads that would only restart is a note', async () => {
  const { change, cluster } = await planned([runs(2, 'a', digest('b'))])
  if (!change) throw new Error('there is no change')
  const { workload } = change
  const container = { name: 'web', image: 'web:3' }
  const spec = { ...workload.object.spec, template: { spec: { containers: [container] } } }
  const other = { ...change, workload: { ...workload, object: { ...workload.object, spec } } }
  const { found } = await withDigests(cluster.context, [change, other], signal)
  expect(found).toMatchObject({ blockers: [], notes: [expect.stringMatching(/changes nothing: its template differs/)] })
})

test('a journal that tells of a digest that never served is none of the plan', async () => {
  const { cluster, change, workload } = await planned([runs(1, 'a', digest('a')), runs(2, 'a', digest('b'))])
  if (!change) throw new Error('there is no change')
  const { current: from, releases } = releasesOf([workload])
  const to = releases.find(({ id }) => id.endsWith('@web-1'))
  if (!to) throw new Error('there is no release')
  const observed = await observe(cluster.context, signal)
  const state = { workloads: [workload], helm: { state: 'none' as const } }
  const known = { ...observed, state, from, to, signal }
  const steps = stepsFor(cluster.context, [change], { from, to }, false)
  expect((await reread(cluster.context, steps, known)).mismatches).toEqual([])
  const evil = JSON.parse(JSON.stringify(steps).replaceAll('a'.repeat(64), 'e'.repeat(64)))
  expect((await reread(cluster.context, evil, known)).mismatches).toHaveLength(1)
  const { template, name } = workload.revisions.find((one) => one.name === 'web-1') ?? change.revision
  const hash = templateHash(pinned({ template, name }, { web: digest('e') }))
  const rehashed = JSON.parse(JSON.stringify(evil).replaceAll(change.move.to.hash, hash))
  expect((await reread(cluster.context, rehashed, known)).mismatches).toEqual([
    expect.stringMatching(/is not known to have run/)
  ])
})
