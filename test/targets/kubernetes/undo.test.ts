import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Cluster, createCluster, type Shape, until, workload } from '../../../testkit/kubernetes/cluster.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { applyAll, openTarget, planned, revertAll } from './verbs.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

describeOn('kubernetes', 'undoing a rollback on kubernetes', (backend) => {
  let cluster: Cluster
  const [good, next] = ['popk-nowhere.invalid/web:1.1.0', 'popk-nowhere.invalid/web:1.2.0']

  beforeAll(async () => {
    cluster = await createCluster(backend.kubeconfig ?? '')
  })
  afterAll(() => cluster.remove())

  const annotations = async (what: string): Promise<Record<string, string>> =>
    (await cluster.get(what)).metadata.annotations ?? {}
  /** Scaled to 0, for what is said of templates and revisions needs no pods. */
  const upgraded = async (shape: Omit<Shape, 'image'>): Promise<void> => {
    await cluster.rolledOut(workload({ replicas: 0, ...shape, image: good }))
    await cluster.rolledOut(workload({ replicas: 0, ...shape, image: next }))
  }

  it.concurrent.each(['Deployment', 'StatefulSet'] as const)(
    'of a %s restores the very configuration that was last applied',
    async (kind) => {
      const name = `applied-${kind.toLowerCase()}`
      await upgraded({ kind, name })
      const what = `${kind.toLowerCase()}/${name}`
      const before = (await annotations(what))[lastApplied]
      const target = await openTarget(cluster, { workloads: [what] })
      const plan = await planned(target, '1.1.0')
      const run = testRun()
      await applyAll(target, { steps: plan.steps.filter(({ phase }) => phase === 'switch') }, run)
      expect((await annotations(what))[lastApplied]).toContain(good)
      await revertAll(target, plan, run)
      expect((await annotations(what))[lastApplied]).toBe(before)
      expect(before).toContain(next)
      const revisions = await cluster.get(
        `${kind === 'Deployment' ? 'replicasets' : 'controllerrevisions'} -l app=${name}`
      )
      expect(JSON.stringify(revisions)).not.toContain('rollback.popkit/')
      await target.close?.()
    }
  )

  it.concurrent('keeps the time of a mark that is set twice, and takes the kept configuration away', async () => {
    await upgraded({ name: 'marked' })
    const target = await openTarget(cluster, { workloads: ['deployment/marked'] })
    const plan = await planned(target, '1.1.0')
    await applyAll(target, plan)
    const read = async () =>
      (await cluster.get('replicasets -l app=marked')).items.flatMap(
        ({ metadata }: { metadata: { annotations: Record<string, string> } }) =>
          Object.entries(metadata.annotations).filter(([key]) => key.startsWith('rollback.popkit/'))
      )
    const first = await read()
    expect(first).toMatchObject([['rollback.popkit/rolled-back-from', expect.stringContaining('"to":"1.1.0"')]])
    await until('the clock to go on', async () => Date.now() > Date.parse(JSON.parse(first[0][1]).at) + 1100)
    expect(await applyAll(target, plan)).toEqual(['already there', '1 of 1 marked'])
    expect(await read()).toEqual(first)
    await target.close?.()
  })
})
