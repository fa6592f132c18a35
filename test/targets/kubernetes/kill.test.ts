import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { Answer } from '../../../testkit/built-server.ts'
import { type Cluster, createCluster, until, watchObject, workload } from '../../../testkit/kubernetes/cluster.ts'
import { createScene, execute, type Scene } from '../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../harness/describe-on.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'a server killed in the middle of a rollback on kubernetes', (backend) => {
  let cluster: Cluster
  let good: string
  let bad: string
  const scenes: Scene[] = []

  beforeAll(async () => {
    cluster = await createCluster(backend.kubeconfig ?? '')
    good = await cluster.image('1.1.0')
    bad = await cluster.image('1.2.0', 'crash')
  })
  afterAll(async () => {
    for (const scene of scenes) await scene.close()
    await cluster.remove()
  })

  const image = (name: string) =>
    cluster.kubectl('get', `deployment/${name}`, '-o', 'jsonpath={.spec.template.spec.containers[0].image}')

  const sceneOf = async (name: string): Promise<Scene> => {
    const scene = await createScene(cluster, { workloads: [`deployment/${name}`] })
    scenes.push(scene)
    return scene
  }

  /** Begins a rollback and kills the server at once when an object looks a certain way. */
  async function killedAt(name: string, what: string, moment: (object: Answer) => boolean): Promise<Scene> {
    // Pods count as available after five seconds, so that going back takes a while.
    const spec = { minReadySeconds: 5, strategy: { rollingUpdate: { maxUnavailable: 1 } } }
    await cluster.rolledOut(workload({ name, replicas: 1, image: good, spec }))
    await cluster.apply(workload({ name, replicas: 1, image: bad, spec }))
    await until('the crash', async () =>
      /CrashLoop|Error/.test(await cluster.kubectl('get', 'pods', '-l', `app=${name}`))
    )
    const scene = await sceneOf(name)
    const server = await scene.serve()
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    const watch = await watchObject(cluster, what, moment)
    const running = execute(server, assessment).catch(() => null)
    const ended = await Promise.race([watch.seen.then(() => null), running])
    watch.stop()
    expect(ended, 'it ended before the moment came').toBeNull()
    server.kill()
    await running
    return scene
  }

  const resumed = async (scene: Scene, direction: 'finish' | 'undo'): Promise<Answer> => {
    const server = await scene.serve()
    const { interrupted } = await until('the interruption', async () => {
      const answer = await server.call('assess_rollback')
      return answer.interrupted ? answer : null
    })
    const { id, version } = interrupted[direction]
    const result = await server.call('execute_rollback', { target: 'kubernetes', version, plan_id: id })
    expect((await server.call('assess_rollback')).interrupted ?? null).toBeNull()
    return result
  }

  const leases = () => cluster.kubectl('get', 'leases', '-o', 'name')
  const isBack = ({ spec }: Answer): boolean => spec.template.spec.containers[0].image === good

  it('when the template is back is finished', async () => {
    const scene = await killedAt('finish', 'deployment/finish', isBack)
    const result = await resumed(scene, 'finish')
    expect(result, result.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await image('finish')).toBe(good)
    expect(await leases()).toBe('')
  })

  it('when the template is back is undone', async () => {
    const scene = await killedAt('undo', 'deployment/undo', isBack)
    const result = await resumed(scene, 'undo')
    expect(result, result.summary).toMatchObject({ outcome: 'undone' })
    expect(await image('undo')).toBe(bad)
    expect(await leases()).toBe('')
  })

  it('is seen from another machine by its lease, and finished there', async () => {
    await killedAt('elsewhere', 'leases', () => true)
    const result = await resumed(await sceneOf('elsewhere'), 'finish')
    expect(result, result.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await image('elsewhere')).toBe(good)
    expect(await leases()).toBe('')
  })
})
