import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import type { Answer } from '../../../testkit/built-server.ts'
import { type Cluster, createCluster, type Shape, until, workload } from '../../../testkit/kubernetes/cluster.ts'
import { createScene, execute, type Scene } from '../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { type Asked, type HoldingWay, holdingWay } from './holding-way.ts'

vi.setConfig({ testTimeout: 480_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'a server killed after a request and before its answer', (backend) => {
  let cluster: Cluster
  let good: string
  let bad: string
  const scenes: Scene[] = []
  const ways: HoldingWay[] = []

  beforeAll(async () => {
    cluster = await createCluster(backend.kubeconfig ?? '')
    good = await cluster.image('1.1.0')
    bad = await cluster.image('1.2.0', 'crash')
  })
  afterAll(async () => {
    for (const scene of scenes) await scene.close()
    for (const way of ways) await way.close()
    await cluster.remove()
  })

  const crashing = (name: string) =>
    until('the crash', async () => /CrashLoop|Error/.test(await cluster.kubectl('get', 'pods', '-l', `app=${name}`)))
  const images = async (name: string): Promise<string[]> =>
    (await cluster.get(`pods -l app=${name}`)).items
      .filter(({ metadata }: Answer) => !metadata.deletionTimestamp)
      .map(({ spec }: Answer) => spec.containers[0].image)
  const image = (what: string) =>
    cluster.kubectl('get', what, '-o', 'jsonpath={.spec.template.spec.containers[0].image}')

  /** Rolls back through a server that is killed when the API server has done something and its answer is still out. */
  async function killedAfter(
    what: string,
    holds: (asked: Asked) => boolean
  ): Promise<(way: 'finish' | 'undo') => Promise<Answer>> {
    const name = what.split('/')[1] ?? ''
    const rules: JsonObject[] = [{ apiGroups: ['', 'apps', 'coordination.k8s.io'], resources: ['*'], verbs: ['*'] }]
    const way = await holdingWay(await cluster.identity(name, rules), holds)
    ways.push(way)
    const scene = await createScene(cluster, { workloads: [what] })
    scenes.push(scene)
    const server = await scene.serve(way.kubeconfig)
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(assessment.blockers, assessment.summary).toEqual([])
    const running = execute(server, assessment).catch(() => null)
    const ended = await Promise.race([way.held.then(() => null), running])
    expect(ended, 'it ended before the moment came').toBeNull()
    server.kill()
    await running
    way.release()
    return async (direction) => {
      const again = await scene.serve(way.kubeconfig)
      const { interrupted } = await until('the interruption', async () => {
        const answer = await again.call('assess_rollback')
        return answer.interrupted ? answer : null
      })
      expect(interrupted[direction], `there is no way to ${direction} it`).toBeTruthy()
      const { id, version } = interrupted[direction]
      return again.call('execute_rollback', { target: 'kubernetes', version, plan_id: id })
    }
  }

  const deletesPodOf =
    (name: string) =>
    ({ method, path }: Asked): boolean =>
      method === 'DELETE' && path.includes(`/pods/${name}-`)

  it.concurrent.each(['finish', 'undo'] as const)('the deletion of a stuck pod: %s', async (direction) => {
    const shape: Shape = { kind: 'StatefulSet', name: `stuck-${direction}`, image: good }
    const what = `statefulset/${shape.name}`
    await cluster.rolledOut(workload(shape))
    await cluster.apply(workload({ ...shape, image: bad }))
    await crashing(`stuck-${direction}`)
    const resume = await killedAfter(what, deletesPodOf(`stuck-${direction}`))
    const result = await resume(direction)
    expect(result, result.summary).toMatchObject({ outcome: direction === 'finish' ? 'succeeded' : 'undone' })
    expect(await image(what)).toBe(direction === 'finish' ? good : bad)
    if (direction === 'finish') expect(await images(`stuck-${direction}`)).toEqual([good, good])
    // Its broken pod is that of the former version again, and not one of the candidate that it would wait for.
    else await until('the former pods', async () => (await images(`stuck-${direction}`)).includes(bad))
  })

  it.concurrent.each(['finish', 'undo'] as const)(
    'the deletion of a pod that only a deletion replaces: %s',
    async (direction) => {
      const name = `ondelete-${direction}`
      const shape: Shape = { kind: 'StatefulSet', name, image: good, spec: { updateStrategy: { type: 'OnDelete' } } }
      await cluster.apply(workload(shape))
      await until('its pods', async () => {
        const { status } = await cluster.get(`statefulset/${name}`)
        return status.readyReplicas === 2
      })
      await cluster.apply(workload({ ...shape, image: bad }))
      await cluster.kubectl('delete', 'pod', `${name}-1`)
      await crashing(name)
      const resume = await killedAfter(`statefulset/${name}`, deletesPodOf(name))
      const result = await resume(direction)
      expect(result, result.summary).toMatchObject({ outcome: direction === 'finish' ? 'succeeded' : 'undone' })
      const wanted = direction === 'finish' ? [good, good] : [good, bad]
      await until(`its pods to be ${wanted}`, async () => (await images(name)).join() === wanted.join())
      expect(await image(`statefulset/${name}`)).toBe(direction === 'finish' ? good : bad)
    }
  )

  it.concurrent('the mark: it is finished, not undone any more, and the mark stays as it was', async () => {
    await cluster.rolledOut(workload({ name: 'marked', replicas: 1, image: good }))
    await cluster.apply(workload({ name: 'marked', replicas: 1, image: bad }))
    await crashing('marked')
    const marks = async (): Promise<string[]> =>
      (await cluster.get('replicasets -l app=marked')).items.flatMap(
        ({ metadata }: Answer) => metadata.annotations['rollback.popkit/rolled-back-from'] ?? []
      )
    const resume = await killedAfter(
      'deployment/marked',
      ({ method, path, body }) =>
        method === 'PATCH' && path.includes('/replicasets/') && body.includes('rolled-back-from')
    )
    const before = await marks()
    expect(before).toHaveLength(1)
    const result = await resume('finish')
    expect(result, result.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await marks()).toEqual(before)
    expect(await image('deployment/marked')).toBe(good)
    expect(await cluster.kubectl('get', 'leases', '-o', 'name')).not.toContain('marked')
  })
})
