import { expect, it, vi } from 'vitest'
import { watchObject } from '../../../../testkit/kubernetes/cluster.ts'
import type { Scene } from '../../../../testkit/kubernetes/scene.ts'
import { testRun } from '../../../../testkit/target-context.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { killAt, planned, resume } from '../use-cluster.ts'
import { useChart } from './helm-scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('helm', 'a disturbed rollback of a Helm release', (backend) => {
  const { cluster, chart, image: made, imageOf, crashing, project, target: open, withHelm } = useChart(backend)
  const [good, bad] = [made('1.1.0'), made('1.3.0', 'crash')]

  /** A good revision that takes its time to be ready, and one that crashes after it. */
  async function failed(name: string): Promise<void> {
    await chart().deploy(name, { image: good, replicas: '1', delay: '10' }, '--wait')
    await chart().deploy(name, { image: bad, replicas: '1', delay: '10' })
    await crashing(name)
    // Nothing of the good revision is left, so that Helm has to wait for it.
    await cluster.kubectl('delete', 'pods', '-l', `app=${name}`, '--wait=false')
  }
  const statuses = async (name: string) => (await chart().history(name)).map(({ status }) => status)
  const image = (name: string) => imageOf(`deployment/${name}`)

  async function killed(name: string): Promise<Scene> {
    await failed(name)
    const scene = await project({ workloads: [`deployment/${name}`] })
    const server = await scene.serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    const watch = await watchObject(
      cluster,
      'secrets',
      ({ metadata: { labels } }) => labels?.name === name && labels.status === 'pending-rollback'
    )
    await killAt(server, assessment, watch.seen)
    watch.stop()
    return scene
  }
  const resumed = async (scene: Scene, direction: 'finish' | 'undo') =>
    resume(await scene.serve(undefined, withHelm), direction)

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

  it.concurrent('a step does not change a revision of someone else, and is done only once', async () => {
    await failed('steps')
    const target = await open({ workloads: ['deployment/steps'] }, { env: withHelm })
    const run = testRun()
    const { steps } = await planned(target, '1.1.0')
    expect((await planned(target, '1.1.0')).steps).toEqual(steps)
    const step = steps.find(({ kind }) => kind === 'helm_rollback')
    if (!step) throw new Error('no step')

    expect(await target.revert(step, run)).toMatchObject({ detail: 'Helm had not started' })
    await target.apply(step, run)
    expect(await target.apply(step, run)).toMatchObject({ detail: 'already there' })
    expect(await chart().history('steps')).toHaveLength(3)
    await target.revert(step, run)
    expect(await target.revert(step, run)).toMatchObject({ detail: 'it was back already' })
    expect(await chart().history('steps')).toHaveLength(4)
    expect(await image('steps')).toBe(bad)

    await chart().deploy('steps', { image: bad, replicas: '1', extra: 'theirs' })
    await expect(target.apply(step, run)).rejects.toMatchObject({ code: 'changed_meanwhile' })
    await expect(target.revert(step, run)).rejects.toMatchObject({ code: 'changed_meanwhile' })
    expect(await chart().history('steps')).toHaveLength(5)
  })
})
