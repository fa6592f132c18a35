import { expect, it, vi } from 'vitest'
import type { Answer } from '../../../testkit/built-server.ts'
import { watchObject } from '../../../testkit/kubernetes/cluster.ts'
import type { Scene } from '../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { killAt, resume, useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'a server killed in the middle of a rollback on kubernetes', (backend) => {
  const { cluster, image, imageOf, project, failed } = useCluster(backend)
  const [good, bad] = [image('1.1.0'), image('1.2.0', 'crash')]

  /** Starts a rollback and kills the server as soon as an object matches. */
  async function killedAt(name: string, what: string, moment: (object: Answer) => boolean): Promise<Scene> {
    // Pods count as available after five seconds, so that going back takes a while.
    const spec = { minReadySeconds: 5, strategy: { rollingUpdate: { maxUnavailable: 1 } } }
    await failed({ name, spec }, { good, bad })
    const scene = await project({ workloads: [`deployment/${name}`] })
    const server = await scene.serve()
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    const watch = await watchObject(cluster, what, moment)
    await killAt(server, assessment, watch.seen)
    watch.stop()
    return scene
  }

  const resumed = async (scene: Scene, direction: 'finish' | 'undo'): Promise<Answer> => {
    const server = await scene.serve()
    const result = await resume(server, direction)
    expect((await server.call('assess_rollback')).interrupted ?? null).toBeNull()
    return result
  }

  const leases = () => cluster.kubectl('get', 'leases', '-o', 'name')
  const isBack = ({ spec }: Answer): boolean => spec.template.spec.containers[0].image === good

  it('when the template is back is finished', async () => {
    const scene = await killedAt('finish', 'deployment/finish', isBack)
    const result = await resumed(scene, 'finish')
    expect(result, result.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await imageOf('deployment/finish')).toBe(good)
    expect(await leases()).toBe('')
  })

  it('when the template is back is undone', async () => {
    const scene = await killedAt('undo', 'deployment/undo', isBack)
    const result = await resumed(scene, 'undo')
    expect(result, result.summary).toMatchObject({ outcome: 'undone' })
    expect(await imageOf('deployment/undo')).toBe(bad)
    expect(await leases()).toBe('')
  })

  it('is seen from another machine by its lease, and finished there', async () => {
    await killedAt('elsewhere', 'leases', () => true)
    const result = await resumed(await project({ workloads: ['deployment/elsewhere'] }), 'finish')
    expect(result, result.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await imageOf('deployment/elsewhere')).toBe(good)
    expect(await leases()).toBe('')
  })
})
