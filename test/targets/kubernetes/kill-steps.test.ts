import { expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import type { Answer } from '../../../testkit/built-server.ts'
import { type Shape, until, workload } from '../../../testkit/kubernetes/cluster.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { type Asked, holdingProxy } from './proxies.ts'
import { killAt, resume, useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 480_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'a server killed after a request and before its answer', (backend) => {
  const { cluster, image, imageOf, podImages, project, closing, crashing, failed } = useCluster(backend)
  const [good, bad] = [image('1.1.0'), image('1.2.0', 'crash')]

  /** Rolls back through a server that is killed when the API server has acted and its answer is held back. */
  async function killedAfter(
    what: string,
    holds: (asked: Asked) => boolean
  ): Promise<(direction: 'finish' | 'undo') => Promise<Answer>> {
    const name = what.split('/')[1] ?? ''
    const rules: JsonObject[] = [{ apiGroups: ['', 'apps', 'coordination.k8s.io'], resources: ['*'], verbs: ['*'] }]
    const proxy = closing(await holdingProxy(await cluster.identity(name, rules), holds))
    const scene = await project({ workloads: [what] })
    const server = await scene.serve(proxy.kubeconfig)
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(assessment.blockers, assessment.summary).toEqual([])
    await killAt(server, assessment, proxy.held)
    proxy.release()
    return async (direction) => resume(await scene.serve(proxy.kubeconfig), direction)
  }

  const deletesPodOf =
    (name: string) =>
    ({ method, path }: Asked): boolean =>
      method === 'DELETE' && path.includes(`/pods/${name}-`)

  it.concurrent.each(['finish', 'undo'] as const)('the deletion of a stuck pod: %s', async (direction) => {
    const what = `statefulset/stuck-${direction}`
    await failed({ kind: 'StatefulSet', name: `stuck-${direction}`, replicas: 2 }, { good, bad })
    const resume = await killedAfter(what, deletesPodOf(`stuck-${direction}`))
    const result = await resume(direction)
    expect(result, result.summary).toMatchObject({ outcome: direction === 'finish' ? 'succeeded' : 'undone' })
    expect(await imageOf(what)).toBe(direction === 'finish' ? good : bad)
    if (direction === 'finish') expect(await podImages(`stuck-${direction}`)).toEqual([good, good])
    // Its broken pod is that of the former version again, and not one of the candidate that it would wait for.
    else await until('the former pods', async () => (await podImages(`stuck-${direction}`)).includes(bad))
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
      await until(`its pods to be ${wanted}`, async () => (await podImages(name)).join() === wanted.join())
      expect(await imageOf(`statefulset/${name}`)).toBe(direction === 'finish' ? good : bad)
    }
  )

  it.concurrent('the mark: the rollback is finished, and the mark stays the same', async () => {
    await failed({ name: 'marked' }, { good, bad })
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
    expect(await imageOf('deployment/marked')).toBe(good)
    expect(await cluster.kubectl('get', 'leases', '-o', 'name')).not.toContain('marked')
  })
})
