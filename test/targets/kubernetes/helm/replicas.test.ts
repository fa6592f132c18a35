import { expect, it, vi } from 'vitest'
import { execute } from '../../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { useChart } from './helm-scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('helm', 'the replicas of a workload of a Helm release', (backend) => {
  const { cluster, chart, image: made, readyImages, crashing, project, withHelm } = useChart(backend)
  const [good, bad, unhealthy] = [made('1.1.0'), made('1.3.0', 'crash'), made('1.0.0', 'unhealthy')]
  const replicas = async (name: string): Promise<number> => (await cluster.get(`deployment/${name}`)).spec.replicas
  const autoscale = (name: string) =>
    cluster.apply({
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name },
      spec: { minReplicas: 1, maxReplicas: 5, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } }
    })
  const scale = (name: string, count: number) => cluster.kubectl('scale', `deployment/${name}`, `--replicas=${count}`)

  it.concurrent('that an autoscaler has set are put back, and the plan says so', async () => {
    await chart().deploy('busy', { image: good, replicas: '1' }, '--wait')
    await autoscale('busy')
    await chart().deploy('busy', { image: bad, replicas: '1' })
    await scale('busy', 3)
    await crashing('busy')
    const server = await (await project({ workloads: ['deployment/busy'] })).serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback')
    expect(assessment.plan.steps[0].title).toMatch(/back to 1\.1\.0 .*, keeping the replicas of deployment\/busy$/)
    expect(assessment.risks).toContainEqual(
      expect.objectContaining({
        id: 'hpa:busy',
        serious: false,
        detail: 'Helm sets the 1 of revision 1; 3 are set now. The same step puts the 3 back at once.'
      })
    )
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(done.summary).toContain('deployment/busy keeps its 3 replicas')
    expect(await replicas('busy')).toBe(3)
    expect(await readyImages('busy')).toEqual([good, good, good])
  })

  it.concurrent('are put back by an undo, too', async () => {
    await chart().deploy('undone', { image: unhealthy, replicas: '1' })
    await chart().deploy('undone', { image: good, replicas: '1' }, '--wait')
    await autoscale('undone')
    await scale('undone', 2)
    await cluster.kubectl('rollout', 'status', 'deployment/undone', '--timeout=60s')
    const scene = await project({ workloads: ['deployment/undone'], deadline_seconds: 15 })
    const server = await scene.serve(undefined, withHelm)
    const result = await execute(server, await server.call('assess_rollback', { version: '1.0.0' }))
    expect(result, result.summary).toMatchObject({ outcome: 'undone' })
    expect(await replicas('undone')).toBe(2)
  })

  it.concurrent('that a person has set are lowered, which is a serious risk with the numbers and the command', async () => {
    await chart().deploy('manual', { image: good, replicas: '1' }, '--wait')
    await chart().deploy('manual', { image: bad, replicas: '1' })
    await scale('manual', 2)
    await crashing('manual')
    const server = await (await project({ workloads: ['deployment/manual'] })).serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback')
    expect(assessment.risks).toContainEqual({
      id: `helm_replicas:deployment/${cluster.namespace}/manual`,
      serious: true,
      title: 'Helm scales deployment/manual down from 2 to 1 replicas',
      detail: `Revision 1 sets 1. If it needs 2, scale it right after the rollback: "kubectl -n ${cluster.namespace} scale deployment/manual --replicas=2".`
    })
    expect(await execute(server, assessment, { accept: [] })).toMatchObject({ isError: true })
    expect(await execute(server, assessment)).toMatchObject({ outcome: 'succeeded' })
    expect(await replicas('manual')).toBe(1)
  })
})
