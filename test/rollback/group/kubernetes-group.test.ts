import { expect, it, vi } from 'vitest'
import { type Answer, type BuiltServer, startServer } from '../../../testkit/built-server.ts'
import { historyRecord } from '../../../testkit/history-record.ts'
import { until, workload } from '../../../testkit/kubernetes/cluster.ts'
import { type TestProject, testProject } from '../../../testkit/project.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useCluster } from '../../targets/kubernetes/use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'a release of two Deployments in two targets', (backend) => {
  const { cluster, image, imageOf, closing, crashing } = useCluster(backend)
  const images = { good: image('1.1.0'), bad: image('1.2.0', 'crash'), next: image('1.2.1') }

  /** `api` crashes since 1.2.0, `web` was deployed with it and looks well; the names are of one test. */
  async function released(prefix: string) {
    const [api, web] = [`${prefix}-api`, `${prefix}-web`]
    for (const name of [api, web]) await cluster.rolledOut(workload({ name, image: images.good, replicas: 1 }))
    await cluster.apply(workload({ name: api, image: images.bad, replicas: 1 }))
    await cluster.rolledOut(workload({ name: web, image: images.next, replicas: 1 }))
    await crashing(api)
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()
    const target = (name: string) => ({
      type: 'kubernetes',
      enabled: true,
      config: {
        namespace: cluster.namespace,
        workloads: [`deployment/${name}`],
        rollback: { soak_seconds: 1, max_attempts: 50 }
      }
    })
    const project: TestProject = await testProject({
      version: '1.0',
      project_name: prefix,
      targets: { api: target(api), web: target(web) },
      history: [
        historyRecord('web', '1.2.1', 'success', ago(9)),
        historyRecord('api', '1.2.0', 'failed', ago(10)),
        historyRecord('web', '1.1.0', 'success', ago(1439)),
        historyRecord('api', '1.1.0', 'success', ago(1440))
      ]
    })
    closing({ close: () => project.remove() })
    const serve = async (): Promise<BuiltServer> => {
      const server = await startServer({ projectDir: project.dir, env: { KUBECONFIG: cluster.kubeconfig } })
      return closing(server)
    }
    const now = async () => [await imageOf(`deployment/${api}`), await imageOf(`deployment/${web}`)]
    return { project, serve, now, api, web }
  }

  const run = (server: BuiltServer, { next, risks }: Answer, which = 'to roll all') =>
    server.call('execute_rollback', {
      ...next.find(({ when }: Answer) => when.startsWith(which)).arguments,
      accept: (risks as Answer[]).filter(({ serious }) => serious).map(({ id }) => id)
    })

  it.concurrent('both go back, although their versions differ: one run deployed them', async () => {
    const { serve, now } = await released('both')
    const server = await serve()
    const alone = await server.call('assess_rollback', { target: 'api' })
    expect(alone.released_with).toMatchObject([{ target: 'web', version: '1.2.1', bond: 'same run' }])
    const assessment = await server.call('assess_rollback', { target: 'all' })
    expect(assessment, assessment.summary).toMatchObject({ blockers: [], plan: { order: ['web', 'api'] } })
    const done = await run(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await now()).toEqual([images.good, images.good])
    expect(await server.call('verify_rollback', { rollback_id: done.rollback_id })).toMatchObject({
      verdict: 'healthy'
    })
    expect(await cluster.kubectl('get', 'leases', '-o', 'name')).not.toMatch(/both/)
  })

  it.concurrent('killed within the second, it is finished by another server', async () => {
    const { serve, now, project } = await released('killed')
    const first = await serve()
    const running = run(first, await first.call('assess_rollback', { target: 'all' })).catch(() => null)
    await until('the second switch', async () => {
      const files = Object.entries(await project.files()).filter(([path]) => /\/rg-[^/]*\.jsonl$/.test(path))
      return files.some(([, text]) => /"target":"api","state":"switching"/.test(text))
    })
    first.kill()
    await running
    const server = await serve()
    const interrupted = await until('the interruption', async () => {
      const answer = await server.call('assess_rollback', { target: 'all' })
      return answer.interrupted?.options.some(({ kind }: Answer) => kind === 'finish') ? answer : null
    })
    const done = await run(server, interrupted, 'to finish')
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await now()).toEqual([images.good, images.good])
  })

  it.concurrent('a deployment to one in between makes the plan stale, and neither is changed', async () => {
    const { serve, now, web } = await released('stale')
    const server = await serve()
    const assessment = await server.call('assess_rollback', { target: 'all' })
    await cluster.rolledOut(
      workload({ name: web, image: images.good, replicas: 1, container: { env: [{ name: 'A', value: 'b' }] } })
    )
    const refused = await run(server, assessment)
    expect(refused, refused.summary).toMatchObject({ isError: true })
    expect(`${refused.error.what}: ${refused.error.why}`).toMatch(/web/)
    expect((await now())[0]).toBe(images.bad)
  })
})
