import { setTimeout as wait } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import { steps as kinds } from '../../../src/targets/kubernetes/steps.ts'
import type { Answer } from '../../../testkit/built-server.ts'
import { type Shape, watchObject, workload } from '../../../testkit/kubernetes/cluster.ts'
import { execute } from '../../../testkit/kubernetes/scene.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { cuttableProxy } from './proxies.ts'
import { applyAll, planned, revertAll, useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'disturbances during a rollback on kubernetes', (backend) => {
  const scene = useCluster(backend)
  const { cluster, closing, imageOf } = scene
  const [good, next] = [scene.image('1.1.0'), scene.image('1.2.0')]
  const image = (name: string) => imageOf(`deployment/${name}`)
  const upgraded = (shape: Omit<Shape, 'image'>) => scene.upgraded(shape, { good, next })
  const identity = (name: string): Promise<string> =>
    cluster.identity(name, [{ apiGroups: ['', 'apps', 'coordination.k8s.io'], resources: ['*'], verbs: ['*'] }])
  const proxyFor = async (name: string) => closing(await cuttableProxy(await identity(name)))
  const isBack = ({ spec }: Answer): boolean => spec.template.spec.containers[0].image === good
  /** From now on new pods count as available after so many seconds, so that the rollout takes a while. */
  const slow = (name: string, minReadySeconds: number) =>
    cluster.kubectl('patch', `deployment/${name}`, '-p', JSON.stringify({ spec: { minReadySeconds } }))

  /** Starts a rollback through the built server, and returns once the template is in place. */
  async function begun(name: string, kubeconfig: string): Promise<{ ended: Promise<Answer> }> {
    const server = await scene.serve({ workloads: [`deployment/${name}`] }, [], { kubeconfig })
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(assessment.blockers).toEqual([])
    const watch = await watchObject(cluster, `deployment/${name}`, isBack)
    const ended = execute(server, assessment).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${server.stderr().slice(-3000)}`)
    })
    await Promise.race([watch.seen, ended])
    watch.stop()
    return { ended }
  }

  it.concurrent('a rollback waits for an API server that is away for a while, and continues', async () => {
    await upgraded({ name: 'away' })
    await slow('away', 20)
    const proxy = await proxyFor('away')
    const { ended } = await begun('away', proxy.kubeconfig)
    await proxy.cut()
    await wait(4000)
    expect(await Promise.race([ended, 'still under way'])).toBe('still under way')
    await proxy.restore()
    const result = await ended
    expect(result, result.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await image('away')).toBe(good)
  })

  it.concurrent('an API server that is away when a template is restored is asked again', async () => {
    await upgraded({ name: 'absent', replicas: 0 })
    const proxy = await proxyFor('absent')
    const target = await scene.target({ workloads: ['deployment/absent'] }, proxy)
    const plan = await planned(target, '1.1.0')
    await proxy.cut()
    const applied = applyAll(target, plan)
    await wait(2000)
    await proxy.restore()
    expect((await applied)[0]).toBe('rolled out')
    expect(await image('absent')).toBe(good)
  })

  it.concurrent('a rollback whose rights are revoked ends with the state and what to do', async () => {
    await upgraded({ name: 'denied' })
    await slow('denied', 60)
    const proxy = await proxyFor('denied')
    const { ended } = await begun('denied', proxy.kubeconfig)
    await cluster.kubectl('delete', 'rolebinding', 'denied')
    await proxy.cut()
    await proxy.restore()
    const result = await ended
    expect(result, result.summary).toMatchObject({ outcome: 'stuck' })
    expect(result.summary).toMatch(/forbidden/)
    expect(JSON.stringify(result)).toMatch(/rollout undo deployment\/denied/)
    expect(await image('denied')).toBe(good)
  })

  it.concurrent('a change by others between reading and patching is kept, or makes the step refuse', async () => {
    await upgraded({ name: 'raced', replicas: 0 })
    const config: JsonObject = { workloads: ['deployment/raced'] }
    const target = await scene.target(config)
    const { steps } = await planned(target, '1.1.0')
    const [step] = steps
    if (!step) throw new Error('there is no step')
    const edited = async (...edit: string[]) => {
      const context = await scene.context(config)
      let edits = 0
      const send: typeof context.api.send = async (request, schema) => {
        if (request.method === 'PATCH' && request.path.includes('/deployments/') && edits++ === 0)
          await cluster.kubectl(...edit)
        return context.api.send(request, schema)
      }
      const api = { ...context.api, send }
      return kinds.apply({ ...context, api }, step, testRun())
    }
    await expect(edited('set', 'env', 'deployment/raced', 'FIX=1')).rejects.toMatchObject({ code: 'changed_meanwhile' })
    expect(await image('raced')).toBe(next)
    await cluster.kubectl('set', 'env', 'deployment/raced', 'FIX-')
    expect(await edited('patch', 'deployment/raced', '-p', '{"spec":{"revisionHistoryLimit":7}}')).toMatchObject({
      detail: 'rolled out'
    })
    expect(await image('raced')).toBe(good)
    expect(await cluster.kubectl('get', 'deployment/raced', '-o', 'jsonpath={.spec.revisionHistoryLimit}')).toBe('7')
  })

  it.concurrent('a candidate that never becomes ready is given up at its deadline, and the former version is restored', async () => {
    const unready = await cluster.image('1.0.0', 'unhealthy')
    await cluster.apply(workload({ name: 'late', image: unready, replicas: 1 }))
    await scene.revisions('late', 1)
    await cluster.rolledOut(workload({ name: 'late', image: next, replicas: 1 }))
    const target = await scene.target({ workloads: ['deployment/late'], deadline_seconds: 5 })
    const plan = await planned(target, '1.0.0')
    await expect(applyAll(target, plan)).rejects.toMatchObject({
      code: 'not_healthy',
      why: expect.stringMatching(/no progress for 5s/)
    })
    await revertAll(target, plan)
    expect(await image('late')).toBe(next)
  })
})
