import { delimiter } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import kubernetes from '../../../../src/targets/kubernetes/index.ts'
import type { Answer } from '../../../../testkit/built-server.ts'
import { type Cluster, createCluster, until, watchObject } from '../../../../testkit/kubernetes/cluster.ts'
import { createScene, execute, type Scene } from '../../../../testkit/kubernetes/scene.ts'
import { targetContext, testRun } from '../../../../testkit/target-context.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { type Chart, createChart } from './helm-scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('helm', "a rollback of a release of Helm's that is disturbed", (backend) => {
  let cluster: Cluster
  let chart: Chart
  let good: string
  let bad: string
  const scenes: Scene[] = []
  const withHelm = { PATH: `${backend.folder}${delimiter}${process.env.PATH}` }

  beforeAll(async () => {
    cluster = await createCluster(backend.kubeconfig ?? '')
    chart = await createChart(cluster, backend.folder ?? '')
    good = await cluster.image('1.1.0')
    bad = await cluster.image('1.3.0', 'crash')
  })
  afterAll(async () => {
    for (const scene of scenes) await scene.close()
    await chart.remove()
    await cluster.remove()
  })

  /** A good revision that takes its time to be ready, and one that crashes after it. */
  async function failed(name: string): Promise<void> {
    await chart.deploy(name, { image: good, replicas: '1', delay: '10' }, '--wait')
    await chart.deploy(name, { image: bad, replicas: '1', delay: '10' })
    await until('the crash', async () =>
      /CrashLoop|Error/.test(await cluster.kubectl('get', 'pods', '-l', `app=${name}`))
    )
    // Nothing of the good revision is left, so that Helm has to wait for it.
    await cluster.kubectl('delete', 'pods', '-l', `app=${name}`, '--wait=false')
  }
  const statuses = async (name: string) => (await chart.history(name)).map(({ status }) => status)
  const image = (name: string) =>
    cluster.kubectl('get', `deployment/${name}`, '-o', 'jsonpath={.spec.template.spec.containers[0].image}')

  async function killed(name: string): Promise<Scene> {
    await failed(name)
    const scene = await createScene(cluster, { workloads: [`deployment/${name}`] })
    scenes.push(scene)
    const server = await scene.serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    const watch = await watchObject(
      cluster,
      'secrets',
      ({ metadata: { labels } }) => labels?.name === name && labels.status === 'pending-rollback'
    )
    const running = execute(server, assessment).catch(() => null)
    const ended = await Promise.race([watch.seen.then(() => null), running])
    watch.stop()
    expect(ended, 'it ended before the moment came').toBeNull()
    server.kill()
    await running
    return scene
  }

  async function resumed(scene: Scene, direction: 'finish' | 'undo'): Promise<Answer> {
    const server = await scene.serve(undefined, withHelm)
    const { interrupted } = await until('the interruption', async () => {
      const answer = await server.call('assess_rollback')
      return answer.interrupted ? answer : null
    })
    const { id, version } = interrupted[direction]
    return server.call('execute_rollback', { target: 'kubernetes', version, plan_id: id })
  }

  it.concurrent('the server is killed while helm waits: finished', async () => {
    const result = await resumed(await killed('finish'), 'finish')
    expect(result, result.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await image('finish')).toBe(good)
    const end = await statuses('finish')
    expect(end.at(-1)).toBe('deployed')
    expect(end.filter((status) => status === 'deployed' || status.startsWith('pending'))).toHaveLength(1)
  })

  it.concurrent('the server is killed while helm waits: undone', async () => {
    const result = await resumed(await killed('undo'), 'undo')
    expect(result, result.summary).toMatchObject({ outcome: 'undone' })
    expect(await image('undo')).toBe(bad)
    const end = await statuses('undo')
    expect(end.at(-1)).toBe('deployed')
    expect(end.filter((status) => status === 'deployed' || status.startsWith('pending'))).toHaveLength(1)
  })

  it.concurrent("a step does not touch somebody's revision, and is done only once", async () => {
    await failed('steps')
    const target = await kubernetes.open(
      targetContext({
        name: 'kubernetes',
        projectDir: '/',
        env: { ...process.env, ...withHelm, KUBECONFIG: cluster.kubeconfig },
        config: { namespace: cluster.namespace, workloads: ['deployment/steps'] }
      })
    )
    const run = testRun()
    const { observation, state } = await target.observe(run.signal)
    const release = observation.releases.find(({ version }) => version === '1.1.0')
    if (!release) throw new Error('no candidate')
    const { steps } = await target.plan(observation, state, release, run.signal)
    expect(await target.plan(observation, state, release, run.signal)).toMatchObject({ steps })
    const step = steps.find(({ kind }) => kind === 'helm_rollback')
    if (!step) throw new Error('no step')

    expect(await target.revert(step, run)).toMatchObject({ detail: 'Helm had not begun' })
    await target.apply(step, run)
    expect(await target.apply(step, run)).toMatchObject({ detail: 'already there' })
    expect(await chart.history('steps')).toHaveLength(3)
    await target.revert(step, run)
    expect(await target.revert(step, run)).toMatchObject({ detail: 'it was back already' })
    expect(await chart.history('steps')).toHaveLength(4)
    expect(await image('steps')).toBe(bad)

    await chart.deploy('steps', { image: bad, replicas: '1', extra: 'theirs' })
    await expect(target.apply(step, run)).rejects.toMatchObject({ code: 'changed_meanwhile' })
    await expect(target.revert(step, run)).rejects.toMatchObject({ code: 'changed_meanwhile' })
    expect(await chart.history('steps')).toHaveLength(5)
    await target.close?.()
  })
})
