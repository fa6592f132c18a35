import { expect, it, vi } from 'vitest'
import { type Shape, until, workload } from '../../../testkit/kubernetes/cluster.ts'
import { execute, historyRecord } from '../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'kubernetes through the built server', (backend) => {
  const { cluster, image, serve, project, imageOf, readyImages } = useCluster(backend)
  const good = image('1.1.0')

  const broken = async (shape: Shape, sign: RegExp): Promise<void> => {
    await cluster.apply(workload(shape))
    await until(String(sign), async () => sign.test(await cluster.kubectl('get', 'pods', '-l', `app=${shape.name}`)))
  }
  it.concurrent.each<[string, (bad: string) => Partial<Shape>, 'good' | 'crash' | 'unhealthy', RegExp, RegExp]>([
    ['crashes', () => ({}), 'crash', /CrashLoopBackOff/, /exit code 3/],
    [
      'names an image that is not there',
      () => ({ image: 'popk-nowhere.invalid/web:1.2.0' }),
      'good',
      /ErrImagePull|ImagePullBackOff/,
      /ImagePull/
    ],
    ['never becomes ready', () => ({}), 'unhealthy', /0\/1 +Running/, /pods available/],
    [
      'names a Secret that is missing',
      () => ({ container: { envFrom: [{ secretRef: { name: 'nowhere' } }] } }),
      'good',
      /CreateContainerConfigError/,
      /secret .*nowhere.* not found/
    ],
    [
      'asks for too much memory',
      () => ({ container: { resources: { requests: { memory: '9000Gi' } } } }),
      'good',
      /Pending/,
      /cannot be scheduled.*memory/
    ]
  ])('a Deployment whose new version %s goes back, and kubectl says so', async (title, change, mode, sign, told) => {
    const name = `web-${title.toLowerCase().replace(/\W+/g, '-').slice(0, 20)}`.replace(/-$/, '')
    const tag = `1.2.0-${mode}`
    const shape = { name, image: good, container: { env: [{ name: 'API_PASSWORD', value: 'hunter2-secret' }] } }
    await cluster.rolledOut(workload(shape))
    const changed = change(await cluster.image(tag, mode))
    await broken({ ...shape, image: await cluster.image(tag, mode), ...changed }, sign)

    const scene = await project({ workloads: [`deployment/${name}`] })
    const server = await scene.serve()
    const assessment = await server.call('assess_rollback', { investigate: true })
    expect(assessment).toMatchObject({
      recommended: { version: '1.1.0' },
      blockers: [],
      current: { failed: expect.anything() }
    })
    expect(JSON.stringify([assessment.current, assessment.diagnosis])).toMatch(told)
    const dry = await execute(server, assessment, { dry_run: true })
    expect(dry).toMatchObject({ outcome: 'checked' })
    expect(await imageOf(`deployment/${name}`)).not.toBe(good)

    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded', to: { version: '1.1.0' } })
    expect(await imageOf(`deployment/${name}`)).toBe(good)
    expect(await readyImages(name)).toEqual([good, good])
    expect(await server.call('verify_rollback', { rollback_id: done.rollback_id })).toMatchObject({
      verdict: 'healthy'
    })
    expect(`${JSON.stringify([assessment, dry, done])}${await scene.text()}${server.stderr()}`).not.toContain('hunter2')
    await cluster.kubectl('delete', 'deployment', name, '--wait=false')
  })

  it.concurrent('a StatefulSet that waits for a broken pod is freed by a step that is shown', async () => {
    const shape: Shape = { kind: 'StatefulSet', name: 'db', image: good }
    await cluster.rolledOut(workload(shape))
    await broken({ ...shape, image: await cluster.image('1.2.0', 'crash') }, /CrashLoopBackOff/)
    const server = await serve({ workloads: ['statefulset/db'] })
    const assessment = await server.call('assess_rollback')
    expect(assessment.plan.steps.map(({ title }: { title: string }) => title)[1]).toMatch(/Deleting the pods .*db-1/)
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await readyImages('db')).toEqual([good, good])
    await cluster.kubectl('delete', 'statefulset', 'db', '--wait=false')
  })

  it.concurrent('a DaemonSet goes back', async () => {
    const shape: Shape = { kind: 'DaemonSet', name: 'agent', image: good }
    await cluster.rolledOut(workload(shape))
    await broken({ ...shape, image: await cluster.image('1.2.0', 'crash') }, /CrashLoopBackOff/)
    const server = await serve({ workloads: ['daemonset/agent'] }, [
      historyRecord('1.1.0', 'success', '2026-01-01T00:00:00Z')
    ])
    const done = await execute(server, await server.call('assess_rollback'))
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded', to: { version: '1.1.0' } })
    expect(await readyImages('agent')).toEqual([good])
    await cluster.kubectl('delete', 'daemonset', 'agent', '--wait=false')
  })

  it.concurrent('several workloads found by a label go back together', async () => {
    const names = ['one', 'two', 'three']
    const labels = { suite: 'together' }
    const bad = await cluster.image('1.2.0', 'crash')
    const shapes: Shape[] = names.map((name) => ({ name, image: good, replicas: 1, labels }))
    await Promise.all(shapes.map((shape) => cluster.rolledOut(workload(shape))))
    await Promise.all(shapes.map((shape) => broken({ ...shape, image: bad }, /CrashLoopBackOff/)))
    const server = await serve({ selector: 'suite=together' })
    const done = await execute(server, await server.call('assess_rollback'))
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    for (const name of names) expect(await readyImages(name)).toEqual([good])
    await cluster.kubectl('delete', 'deployment', '-l', 'suite=together', '--wait=false')
  })

  it.concurrent('of two workloads with different tags, the one that did not change stays', async () => {
    const other = await cluster.image('7.0.0')
    await cluster.rolledOut(workload({ name: 'pair-api', image: other, replicas: 1 }))
    await cluster.rolledOut(workload({ name: 'pair-web', image: good, replicas: 1 }))
    const bad = await cluster.image('1.2.0', 'crash')
    await broken({ name: 'pair-web', image: bad, replicas: 1 }, /CrashLoopBackOff/)
    const workloads = ['deployment/pair-web', 'deployment/pair-api']
    const server = await serve({ workloads })
    const assessment = await server.call('assess_rollback')
    expect(assessment).toMatchObject({ recommended: { version: '1.1.0' }, blockers: [] })
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await readyImages('pair-web')).toEqual([good])
    expect(await cluster.kubectl('get', 'deployment/pair-api', '-o', 'jsonpath={.metadata.generation}')).toBe('1')
    await cluster.kubectl('delete', 'deployment', 'pair-web', 'pair-api', '--wait=false')
  })
})
