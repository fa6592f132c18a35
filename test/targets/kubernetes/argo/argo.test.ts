import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import type { Answer } from '../../../../testkit/built-server.ts'
import { until, workload } from '../../../../testkit/kubernetes/cluster.ts'
import { execute, historyRecord } from '../../../../testkit/kubernetes/scene.ts'
import { testRun } from '../../../../testkit/target-context.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { planned, useCluster } from '../use-cluster.ts'
import { type ArgoStandIn, startArgoStandIn } from './argo-stand-in.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'a Rollout of Argo Rollouts, with a stand-in for its controller', (backend) => {
  const scene = useCluster(backend)
  const { cluster, crashing, podImages: pods } = scene
  const [good, bad, other] = [scene.image('1.1.0'), scene.image('1.2.0', 'crash'), scene.image('1.3.0')]
  let standIn: ArgoStandIn

  beforeAll(async () => {
    standIn = await startArgoStandIn(cluster)
  })
  afterAll(() => standIn.stop())

  const steps: JsonObject[] = [{ setWeight: 50 }, { pause: {} }]
  const rollout = (name: string, image: string, spec: JsonObject = {}): JsonObject => ({
    ...workload({ name, image, replicas: 2, spec: { strategy: { canary: { steps } }, ...spec } }),
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout'
  })
  const status = async (name: string): Promise<Answer> => (await cluster.get(`rollout ${name}`)).status ?? {}
  const phase = (name: string, wanted: string, hash?: string) =>
    until(
      `${name} to be ${wanted}`,
      async () => {
        const { phase: is, currentPodHash } = await status(name)
        return is === wanted && currentPodHash !== hash
      },
      120_000
    )
  const image = (name: string) => scene.imageOf(`rollout/${name}`)
  const serve = (name: string, history?: JsonObject[]) => scene.serve({ workloads: [`rollout/${name}`] }, history)
  const kinds = ({ plan }: Answer): string[] => plan.steps.map(({ id }: Answer) => id.split(':')[0])
  /** A canary of the broken version, half way. */
  const updating = async (name: string): Promise<void> => {
    await cluster.apply(rollout(name, good))
    await phase(name, 'Healthy')
    await cluster.apply(rollout(name, bad))
    await crashing(name)
  }

  it.concurrent('whose canary crashes is aborted and goes back to its stable version', async () => {
    await updating('canary')
    const server = await serve('canary')
    const assessment = await server.call('assess_rollback', { investigate: true })
    expect(assessment, assessment.summary).toMatchObject({
      current: { version: '1.2.0', health: 'degraded' },
      recommended: { version: '1.1.0' },
      blockers: []
    })
    expect(kinds(assessment)).toEqual(['abort', 'workload', 'mark'])
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await image('canary')).toBe(good)
    expect(await pods('canary')).toEqual([good, good])
    expect(await status('canary')).toMatchObject({ phase: 'Healthy', abort: false })
    expect(await server.call('assess_rollback')).toMatchObject({ current: { version: '1.1.0' }, recommended: null })
  })

  it.concurrent('that is aborted already is not aborted again, and its template goes back', async () => {
    await updating('aborted')
    await standIn.setStatus('aborted', { abort: true })
    await phase('aborted', 'Degraded')
    const server = await serve('aborted')
    const assessment = await server.call('assess_rollback')
    expect(kinds(assessment)).toEqual(['workload', 'mark'])
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await status('aborted')).toMatchObject({ phase: 'Healthy', abort: false })
  })

  it.concurrent('whose bad version is in full use goes back without pausing at a step', async () => {
    await cluster.apply(rollout('promoted', good))
    await phase('promoted', 'Healthy')
    const { currentPodHash } = await status('promoted')
    await cluster.apply(rollout('promoted', other))
    await phase('promoted', 'Paused', currentPodHash)
    await standIn.setStatus('promoted', { promoteFull: true })
    await phase('promoted', 'Healthy', currentPodHash)
    const server = await serve('promoted', [
      historyRecord('1.3.0', 'failed', '2026-01-02T00:00:00Z'),
      historyRecord('1.1.0', 'success', '2026-01-01T00:00:00Z')
    ])
    const assessment = await server.call('assess_rollback')
    expect(kinds(assessment)).toEqual(['workload', 'promote', 'mark'])
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await status('promoted')).toMatchObject({ phase: 'Healthy', stableRS: currentPodHash })
    expect(await pods('promoted')).toEqual([good, good])
  })

  it.concurrent('of blue and green whose preview crashes goes back, and its active Service never left', async () => {
    const metadata = { name: 'green' }
    const ports = [{ port: 80, targetPort: 8080 }]
    await cluster.apply({ apiVersion: 'v1', kind: 'Service', metadata, spec: { ports, selector: { app: 'green' } } })
    const strategy = { blueGreen: { activeService: 'green', autoPromotionEnabled: false } }
    await cluster.apply(rollout('green', good, { strategy }))
    await phase('green', 'Healthy')
    await cluster.apply(rollout('green', bad, { strategy }))
    await crashing('green')
    const selector = () => cluster.kubectl('get', 'service/green', '-o', 'jsonpath={.spec.selector}')
    const before = await selector()
    const server = await serve('green')
    const assessment = await server.call('assess_rollback')
    expect(kinds(assessment)).toEqual(['abort', 'workload', 'mark'])
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(done.checks.map(({ id }: Answer) => id)).toContain(`service:${cluster.namespace}/green`)
    expect(await pods('green')).toEqual([good, good])
    expect(await selector()).toBe(before)
  })

  it.concurrent('is refused where its template is elsewhere, or its ReplicaSets contain more', async () => {
    const canary = { steps, canaryMetadata: { labels: { role: 'canary' } } }
    await cluster.apply(rollout('injected', good, { strategy: { canary } }))
    await phase('injected', 'Healthy')
    await cluster.apply(rollout('injected', bad, { strategy: { canary } }))
    await until('the second ReplicaSet', async () =>
      (await cluster.kubectl('get', 'rs', '-l', 'app=injected', '-o', 'name')).includes('\n')
    )
    const server = await serve('injected')
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(assessment.blockers).toMatchObject([{ id: `injected:rollout/${cluster.namespace}/injected` }])

    const base = workload({ name: 'referred', image: good, replicas: 0 })
    await cluster.apply(base)
    const spec = {
      replicas: 2,
      strategy: { canary: { steps } },
      workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'referred' }
    }
    await cluster.apply({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', metadata: { name: 'referred' }, spec })
    await phase('referred', 'Healthy')
    await cluster.apply(workload({ name: 'referred', image: bad, replicas: 0 }))
    await until('the second ReplicaSet', async () => (await status('referred')).phase === 'Progressing')
    const referred = await (await serve('referred')).call('assess_rollback', { version: '1.1.0' })
    expect(referred).toMatchObject({ current: { version: '1.2.0' } })
    expect(referred.blockers).toMatchObject([
      { id: `workload_ref:rollout/${cluster.namespace}/referred`, next: expect.stringContaining('argo rollouts') }
    ])
  })

  it.concurrent('every step is safe to repeat, can be undone, and leaves the changes of others', async () => {
    await updating('steps')
    const target = await scene.target({ workloads: ['rollout/steps'] })
    const run = testRun()
    const draft = await planned(target, '1.1.0')
    const switched = draft.steps.filter(({ phase: when }) => when === 'switch')
    for (const step of [...switched, ...switched]) await target.apply(step, run)
    expect(await image('steps')).toBe(good)
    for (const step of [...switched].reverse()) await target.revert(step, run)
    for (const step of [...switched].reverse()) await target.revert(step, run)
    expect(await image('steps')).toBe(bad)
    expect((await target.observe(run.signal)).observation.current?.version).toBe('1.2.0')

    await cluster.apply(rollout('steps', other))
    await until('the third', async () => (await status('steps')).phase === 'Paused')
    for (const step of switched)
      await expect(target.apply(step, run)).rejects.toMatchObject({ code: 'changed_meanwhile' })
    expect(await image('steps')).toBe(other)
  })
})
