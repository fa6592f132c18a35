import { expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import { until, workload } from '../../../testkit/kubernetes/cluster.ts'
import { execute } from '../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { applyAll, planned, useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'several workloads, and a chosen revision of one', (backend) => {
  const { cluster, image, imageOf, serve, target, revisions } = useCluster(backend)
  const other = useCluster(backend)
  const first = { good: image('1.1.0'), next: image('1.2.0') }
  const second = { bad: 'popk-nowhere.invalid/web:1.1.0', next: other.image('1.2.0') }

  it.concurrent('when the second fails, in another namespace, the first is undone as well', async () => {
    await cluster.rolledOut(workload({ name: 'one', image: first.good, replicas: 1 }))
    await cluster.rolledOut(workload({ name: 'one', image: first.next, replicas: 1 }))
    await other.cluster.apply(workload({ name: 'two', image: second.bad, replicas: 1 }))
    await other.revisions('two', 1)
    await other.cluster.rolledOut(workload({ name: 'two', image: second.next, replicas: 1 }))

    const workloads = ['deployment/one', `deployment/${other.cluster.namespace}/two`]
    const server = await serve({ workloads, max_parallel: 1, deadline_seconds: 60 })
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    const title = (name: string) => `Rolling deployment/${name} back to 1.1.0`
    expect(assessment.plan.steps.map((step: { title: string }) => step.title).slice(0, 2)).toEqual([
      title('one'),
      title('two')
    ])
    const result = await execute(server, assessment)
    expect(result, result.summary).toMatchObject({ outcome: 'undone' })
    expect(result.summary).toMatch(/deployment\/.*two does not come up/)
    expect(await imageOf('deployment/one')).toBe(first.next)
    expect(await other.imageOf('deployment/two')).toBe(second.next)
    expect(await cluster.kubectl('get', 'leases', '-o', 'name')).toBe('')
    expect(await other.cluster.kubectl('get', 'leases', '-o', 'name')).toBe('')
  })

  it.concurrent('go back in the order that they are named in, as many at once as allowed', async () => {
    const names = ['zulu', 'alpha', 'mike']
    const shape = (name: string, version: string) =>
      workload({ name, image: `popk-nowhere.invalid/web:${version}`, replicas: 0, labels: { suite: 'ordered' } })
    for (const version of ['1.1.0', '1.2.0'])
      for (const [index, name] of names.entries()) {
        await cluster.apply(shape(name, version))
        if (index === names.length - 1) await revisions(name, version === '1.1.0' ? 1 : 2)
      }
    const order = async (config: JsonObject) => {
      const { steps } = await planned(await target({ max_parallel: 2, ...config }), '1.1.0')
      return steps.filter(({ kind }) => kind === 'roll_back').map(({ params }) => namesOf(params.moves))
    }
    expect(await order({ workloads: names.map((name) => `deployment/${name}`) })).toEqual([['zulu', 'alpha'], ['mike']])
    expect(await order({ selector: 'suite=ordered' })).toEqual([['alpha', 'mike'], ['zulu']])
    expect(await order({ selector: 'suite in (ordered),app!=mike' })).toEqual([['alpha', 'zulu']])
  })

  it.concurrent('a revision is chosen by its number, one that is not there is refused, and a dry run changes nothing', async () => {
    const shape = (value: string) =>
      workload({
        name: 'numbered',
        image: 'popk-nowhere.invalid/web:1.0.0',
        replicas: 0,
        container: { env: [{ name: 'LEVEL', value }] }
      })
    for (const [index, value] of ['one', 'two', 'three'].entries()) {
      await cluster.apply(shape(value))
      await revisions('numbered', index + 1)
    }
    const server = await serve({ workloads: ['deployment/numbered'] })
    const missing = await server.call('assess_rollback', { version: 'revision-9' })
    expect(missing).toMatchObject({ isError: true, error: { code: 'unknown_version' } })
    expect(missing.summary).toMatch(/revision-9/)
    const malformed = await server.call('assess_rollback', { version: '--to-revision=1' })
    expect(malformed).toMatchObject({ isError: true })

    const assessment = await server.call('assess_rollback', { version: 'revision-1' })
    const before = (await cluster.get('deployment/numbered')).metadata.resourceVersion
    expect(await execute(server, assessment, { dry_run: true })).toMatchObject({ outcome: 'checked' })
    expect((await cluster.get('deployment/numbered')).metadata.resourceVersion).toBe(before)
    expect(await cluster.kubectl('get', 'leases', '-o', 'name')).not.toContain('numbered')

    const verbs = await target({ workloads: ['deployment/numbered'] })
    await applyAll(verbs, await planned(verbs, 'revision-1'))
    expect(await cluster.kubectl('get', 'deployment/numbered', '-o', 'jsonpath={..env[0].value}')).toBe('one')
    // The revision gets a new number, and a second call does not lead back to the one that was left.
    const observation = (await verbs.observe(AbortSignal.timeout(30_000))).observation
    expect(observation.current?.version).toBe('revision-4')
    expect(observation.releases.find(({ version }) => version === 'revision-3')?.rolledBackAt).toBeDefined()
  })

  it.concurrent.each(['statefulset', 'daemonset'] as const)('a %s goes to a revision that is named', async (kind) => {
    const shape = (value: string) =>
      workload({
        kind: kind === 'statefulset' ? 'StatefulSet' : 'DaemonSet',
        name: `chosen-${kind}`,
        image: 'popk-nowhere.invalid/web:1.0.0',
        replicas: 0,
        container: { env: [{ name: 'LEVEL', value }] },
        pod: { nodeSelector: { nowhere: 'true' } }
      })
    const what = `${kind}/chosen-${kind}`
    for (const [index, value] of ['one', 'two', 'three'].entries()) {
      await cluster.apply(shape(value))
      await until('its revision', async () => {
        const names = await cluster.kubectl('get', 'controllerrevisions', '-l', `app=chosen-${kind}`, '-o', 'name')
        return names.split('\n').filter(Boolean).length === index + 1
      })
    }
    const verbs = await target({ workloads: [what] })
    await applyAll(verbs, await planned(verbs, 'revision-1'))
    expect(await cluster.kubectl('get', what, '-o', 'jsonpath={..env[0].value}')).toBe('one')
  })
})

const namesOf = (moves: unknown): string[] => (moves as { name: string }[]).map(({ name }) => name)
