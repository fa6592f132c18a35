import { expect, it, vi } from 'vitest'
import { type Shape, until } from '../../../testkit/kubernetes/cluster.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { applyAll, planned, revertAll, useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

describeOn('kubernetes', 'undoing a rollback on kubernetes', (backend) => {
  const { cluster, target: open, upgraded: upgrade } = useCluster(backend)
  const [good, next] = ['popk-nowhere.invalid/web:1.1.0', 'popk-nowhere.invalid/web:1.2.0']

  const annotations = async (what: string): Promise<Record<string, string>> =>
    (await cluster.get(what)).metadata.annotations ?? {}
  /** Scaled to 0, because templates and revisions need no pods. */
  const upgraded = (shape: Omit<Shape, 'image'>) => upgrade({ replicas: 0, ...shape }, { good, next })

  it.concurrent.each(['Deployment', 'StatefulSet'] as const)(
    'of a %s restores exactly the configuration that was last applied',
    async (kind) => {
      const name = `applied-${kind.toLowerCase()}`
      await upgraded({ kind, name })
      const what = `${kind.toLowerCase()}/${name}`
      const before = (await annotations(what))[lastApplied]
      const target = await open({ workloads: [what] })
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
    }
  )

  it.concurrent('keeps the time of a mark that is set twice, and removes the kept configuration', async () => {
    await upgraded({ name: 'marked' })
    const target = await open({ workloads: ['deployment/marked'] })
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
  })
})
