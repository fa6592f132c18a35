import { expect, it, vi } from 'vitest'
import type { CheckReport } from '../../../src/model/check.ts'
import { type Shape, until, workload } from '../../../testkit/kubernetes/cluster.ts'
import { execute } from '../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { applyAll, inTime, planned, revertAll, useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 480_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'workloads that change around a rollback on kubernetes', (backend) => {
  const { cluster, image, imageOf, serve, target: open } = useCluster(backend)
  const [good, next] = [image('1.1.0'), image('1.2.0')]
  const failed = ({ checks }: CheckReport) => checks.filter(({ status }) => status !== 'pass')

  it.concurrent('scaling up during the soak is no failure, whenever it is checked', async () => {
    await cluster.rolledOut(workload({ name: 'scaled', image: good, replicas: 1 }))
    const target = await open({ workloads: ['deployment/scaled'] })
    const { current } = (await target.observe(inTime())).observation
    if (!current) throw new Error('nothing serves')
    const first = await target.check(current, { signal: inTime() })
    expect(failed(first)).toEqual([])
    const look = () => target.check(current, { signal: inTime(), baseline: first.observed })
    await cluster.kubectl('scale', 'deployment/scaled', '--replicas=3')
    const details: string[] = []
    await until('three to be available', async () => {
      const report = await look()
      if (failed(report).length > 0) details.push(JSON.stringify(failed(report)))
      return report.checks.some(({ detail }) => detail.startsWith('3 of 3 available'))
    })
    expect(details).toEqual([])
  })

  it.concurrent('a standby at 0 replicas goes back by its template, and its Service without endpoints is no failure', async () => {
    const shape: Shape = { name: 'standby', image: good, replicas: 0 }
    await cluster.rolledOut(workload(shape))
    await cluster.kubectl('expose', 'deployment/standby', '--port=80', '--target-port=8080')
    await cluster.rolledOut(workload({ ...shape, image: next }))
    const server = await serve({ workloads: ['deployment/standby'] })
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(assessment.current).toMatchObject({ version: '1.2.0', health: 'unknown' })
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await imageOf('deployment/standby')).toBe(good)
  })

  it.concurrent('a StatefulSet whose candidate does not come up is undone, and does not wait for its broken pod', async () => {
    await cluster.kubectl('create', 'secret', 'generic', 'fleeting', '--from-literal=a=1')
    const envFrom = [{ secretRef: { name: 'fleeting' } }]
    const shape: Shape = { kind: 'StatefulSet', name: 'ordered', image: good }
    await cluster.rolledOut(workload({ ...shape, container: { envFrom } }))
    await cluster.rolledOut(workload({ ...shape, image: next }))
    await cluster.kubectl('delete', 'secret', 'fleeting')
    const target = await open({ workloads: ['statefulset/ordered'] })
    const plan = await planned(target, '1.1.0')
    expect(plan.steps[0]?.undo).toMatch(/delete pods of 1\.1\.0 that keep it stuck/)
    await expect(applyAll(target, plan)).rejects.toMatchObject({
      code: 'not_healthy',
      why: expect.stringMatching(/ordered-1: .*CreateContainerConfigError/)
    })
    await revertAll(target, plan)
    const { status } = await until('all to be well again', async () => {
      const object = await cluster.get('statefulset/ordered')
      return object.status.readyReplicas === 2 && object.status.updatedReplicas === 2 ? object : null
    })
    expect(status.currentRevision).toBe(status.updateRevision)
    expect(
      await cluster.kubectl('get', 'pods', '-l', 'app=ordered', '-o', 'jsonpath={..spec.containers[0].image}')
    ).toBe(`${next} ${next}`)
  })

  it.concurrent('the template that waits in a paused Deployment counts as the current version', async () => {
    await cluster.rolledOut(workload({ name: 'waiting', image: good, replicas: 1 }))
    await cluster.kubectl('rollout', 'pause', 'deployment/waiting')
    await cluster.kubectl('set', 'image', 'deployment/waiting', `web=${next}`)
    const server = await serve({ workloads: ['deployment/waiting'] })
    const assessment = await until('the controller to see it', async () => {
      const answer = await server.call('assess_rollback', { version: '1.1.0' })
      return answer.isError ? null : answer
    })
    expect(assessment, assessment.summary).toMatchObject({ current: { version: '1.2.0' } })
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await imageOf('deployment/waiting')).toBe(good)
  })
})
