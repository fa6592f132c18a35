import { expect, it, vi } from 'vitest'
import { until, workload } from '../../../testkit/kubernetes/cluster.ts'
import { execute } from '../../../testkit/kubernetes/scene.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { killAt, planned, resume, useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'a rehearsal on kubernetes', (backend) => {
  const scene = useCluster(backend)
  const { cluster } = scene
  const [good, next, bad] = [scene.image('1.1.0'), scene.image('1.2.0'), scene.image('1.0.0', 'crash')]
  const recreate = { strategy: { type: 'Recreate' } }
  const tries = async (): Promise<string[]> =>
    (await cluster.kubectl('get', 'pods', '-l', 'rollback.popkit/rehearsal', '-o', 'name')).split('\n').filter(Boolean)
  const gone = () => until('the pod of the rehearsal to be gone', async () => (await tries()).length === 0)

  it('proves one pod beside before Recreate stops anything, out of reach of Services, and removes it', async () => {
    const labels = { app: 'web' }
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] }
    })
    await scene.upgraded({ name: 'web', spec: recreate }, { good, next })
    const target = await scene.target({ workloads: ['deployment/web'] })
    const plan = await planned(target, '1.1.0')
    expect(plan.steps.map(({ kind }) => kind)).toEqual(['rehearse', 'roll_back', 'mark'])
    const [rehearse] = plan.steps
    if (!rehearse) throw new Error('there is no step')
    const seen = until('the pod of the rehearsal', async () => {
      const { items } = await cluster.get('pods -l rollback.popkit/rehearsal')
      return items[0]
    })
    const [{ detail }, pod] = await Promise.all([target.apply(rehearse, testRun()), seen])
    expect(detail).toMatch(/^ready after .*, then removed$/)
    expect(pod.metadata).toMatchObject({ ownerReferences: [{ kind: 'Deployment', name: 'web' }] })
    expect(pod.metadata.labels.app).toBeUndefined()
    expect(await scene.readyImages('web')).toEqual([next])
    await gone()

    const server = await scene.serve({ workloads: ['deployment/web'] })
    const done = await execute(server, await server.call('assess_rollback', { version: '1.1.0' }))
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await scene.readyImages('web')).toEqual([good])
  })

  it('ends the rollback before anything is stopped where the candidate does not become ready', async () => {
    await cluster.apply(workload({ name: 'broken', image: bad, replicas: 1, spec: recreate }))
    await scene.crashing('broken')
    await cluster.rolledOut(workload({ name: 'broken', image: good, replicas: 1, spec: recreate }))
    const server = await scene.serve({ workloads: ['deployment/broken'], deadline_seconds: 15 })
    const result = await execute(server, await server.call('assess_rollback', { version: '1.0.0' }))
    expect(result, result.summary).toMatchObject({ outcome: 'undone' })
    expect(result.summary).toMatch(/The rehearsal of .* failed/)
    expect(await scene.readyImages('broken')).toEqual([good])
    await gone()
  })

  it('leaves no pod behind where it was killed, and can be finished', async () => {
    await scene.upgraded({ name: 'killed', spec: recreate }, { good, next })
    const config = { workloads: ['deployment/killed'] }
    const { kubeconfig } = cluster
    const project = await scene.project(config)
    const server = await project.serve(kubeconfig)
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    await killAt(
      server,
      assessment,
      until('the pod of the rehearsal', async () => (await tries()).length > 0)
    )
    expect(await scene.readyImages('killed')).toEqual([next])
    const done = await resume(await project.serve(kubeconfig), 'finish')
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await scene.readyImages('killed')).toEqual([good])
    await gone()
  })
})
