import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import { stepKinds } from '../../../src/targets/kubernetes/workloads/steps/index.ts'
import type { Answer } from '../../../testkit/built-server.ts'
import {
  type Cluster,
  createCluster,
  type Shape,
  until,
  watchObject,
  workload
} from '../../../testkit/kubernetes/cluster.ts'
import { createScene, execute, type Scene } from '../../../testkit/kubernetes/scene.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { cuttableWay, type Way } from './proxy.ts'
import { applyAll, openContext, openTarget, planned, revertAll } from './verbs.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'what comes in between a rollback on kubernetes', (backend) => {
  let cluster: Cluster
  let good: string
  let next: string
  const scenes: Scene[] = []
  const ways: Way[] = []

  beforeAll(async () => {
    cluster = await createCluster(backend.kubeconfig ?? '')
    good = await cluster.image('1.1.0')
    next = await cluster.image('1.2.0')
  })
  afterAll(async () => {
    for (const scene of scenes) await scene.close()
    for (const way of ways) await way.close()
    await cluster.remove()
  })

  const image = (name: string) =>
    cluster.kubectl('get', `deployment/${name}`, '-o', 'jsonpath={.spec.template.spec.containers[0].image}')
  const upgraded = async (shape: Omit<Shape, 'image'>): Promise<void> => {
    await cluster.rolledOut(workload({ replicas: 1, ...shape, image: good }))
    await cluster.rolledOut(workload({ replicas: 1, ...shape, image: next }))
  }
  const identity = (name: string): Promise<string> =>
    cluster.identity(name, [{ apiGroups: ['', 'apps', 'coordination.k8s.io'], resources: ['*'], verbs: ['*'] }])
  const wayFor = async (name: string): Promise<Way> => {
    const way = await cuttableWay(await identity(name))
    ways.push(way)
    return way
  }
  const isBack = ({ spec }: Answer): boolean => spec.template.spec.containers[0].image === good
  /** From now on new pods count as available after so many seconds, so that there is a middle. */
  const slow = (name: string, minReadySeconds: number) =>
    cluster.kubectl('patch', `deployment/${name}`, '-p', JSON.stringify({ spec: { minReadySeconds } }))

  /** Begins a rollback through the built server, and gives it back once the template is in place. */
  async function begun(name: string, kubeconfig: string): Promise<{ ended: Promise<Answer> }> {
    const scene = await createScene(cluster, { workloads: [`deployment/${name}`] })
    scenes.push(scene)
    const server = await scene.serve(kubeconfig)
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

  it.concurrent('an API server that is away for a while is waited for, and the rollback goes on', async () => {
    await upgraded({ name: 'away' })
    await slow('away', 20)
    const way = await wayFor('away')
    const { ended } = await begun('away', way.kubeconfig)
    await way.cut()
    await wait(4000)
    expect(await Promise.race([ended, 'still under way'])).toBe('still under way')
    await way.restore()
    const result = await ended
    expect(result, result.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await image('away')).toBe(good)
  })

  it.concurrent('an API server that is away when a template is put back is asked again', async () => {
    await upgraded({ name: 'absent', replicas: 0 })
    const way = await wayFor('absent')
    const target = await openTarget({ ...cluster, kubeconfig: way.kubeconfig }, { workloads: ['deployment/absent'] })
    const plan = await planned(target, '1.1.0')
    await way.cut()
    const applied = applyAll(target, plan)
    await wait(2000)
    await way.restore()
    expect((await applied)[0]).toBe('rolled out')
    expect(await image('absent')).toBe(good)
    await target.close?.()
  })

  it.concurrent('rights that are taken away end it, and it says what is in place and what to do', async () => {
    await upgraded({ name: 'denied' })
    await slow('denied', 60)
    const way = await wayFor('denied')
    const { ended } = await begun('denied', way.kubeconfig)
    await cluster.kubectl('delete', 'rolebinding', 'denied')
    await way.cut()
    await way.restore()
    const result = await ended
    expect(result, result.summary).toMatchObject({ outcome: 'stuck' })
    expect(result.summary).toMatch(/forbidden/)
    expect(JSON.stringify(result)).toMatch(/rollout undo deployment\/denied/)
    expect(await image('denied')).toBe(good)
  })

  it.concurrent('what others change between a look and the patch is kept, or left to them', async () => {
    await upgraded({ name: 'raced', replicas: 0 })
    const config: JsonObject = { workloads: ['deployment/raced'] }
    const target = await openTarget(cluster, config)
    const { steps } = await planned(target, '1.1.0')
    const [step] = steps
    if (!step) throw new Error('there is no step')
    const edited = async (...edit: string[]) => {
      const context = await openContext(cluster, config)
      let edits = 0
      const send: typeof context.api.send = async (request, schema) => {
        if (request.method === 'PATCH' && request.path.includes('/deployments/') && edits++ === 0)
          await cluster.kubectl(...edit)
        return context.api.send(request, schema)
      }
      const api = { ...context.api, send }
      return stepKinds.roll_back.apply({ ...context, api }, step, testRun()).finally(() => context.api.close())
    }
    await expect(edited('set', 'env', 'deployment/raced', 'FIX=1')).rejects.toMatchObject({ code: 'changed_meanwhile' })
    expect(await image('raced')).toBe(next)
    await cluster.kubectl('set', 'env', 'deployment/raced', 'FIX-')
    expect(await edited('patch', 'deployment/raced', '-p', '{"spec":{"revisionHistoryLimit":7}}')).toMatchObject({
      detail: 'rolled out'
    })
    expect(await image('raced')).toBe(good)
    expect(await cluster.kubectl('get', 'deployment/raced', '-o', 'jsonpath={.spec.revisionHistoryLimit}')).toBe('7')
    await target.close?.()
  })

  it.concurrent('a candidate that never becomes ready is given up at its deadline, and what was there is put back', async () => {
    const unready = await cluster.image('1.0.0', 'unhealthy')
    await cluster.apply(workload({ name: 'late', image: unready, replicas: 1 }))
    await until(
      'a first revision',
      async () => (await cluster.kubectl('get', 'rs', '-l', 'app=late', '-o', 'name')) !== ''
    )
    await cluster.rolledOut(workload({ name: 'late', image: next, replicas: 1 }))
    const target = await openTarget(cluster, { workloads: ['deployment/late'], deadline_seconds: 5 })
    const plan = await planned(target, '1.0.0')
    await expect(applyAll(target, plan)).rejects.toMatchObject({
      code: 'not_healthy',
      why: expect.stringMatching(/no progress for 5s/)
    })
    await revertAll(target, plan)
    expect(await image('late')).toBe(next)
    await target.close?.()
  })
})
