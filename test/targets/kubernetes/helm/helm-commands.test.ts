import { expect, it, vi } from 'vitest'
import { execute } from '../../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { manualOf, runPasted, runShown } from '../shown-commands.ts'
import { useChart } from './helm-scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('helm', 'the commands that are printed for a Helm release work as they are printed', (backend) => {
  const { cluster, chart, image: made, imageOf, crashing, project, withHelm } = useChart(backend)
  const [good, bad, unhealthy] = [made('1.1.0'), made('1.3.0', 'crash'), made('1.0.0', 'unhealthy')]
  const last = async (name: string) => (await chart().history(name)).at(-1)?.description
  const replicas = '1'

  it.concurrent('those that remain of a rollback that is stuck', async () => {
    await chart().deploy('stuck', { image: unhealthy, replicas })
    await chart().deploy('stuck', { image: good, replicas }, '--wait')
    await chart().deploy('stuck', { image: bad, replicas })
    await crashing('stuck')
    const scene = await project({ workloads: ['deployment/stuck'], deadline_seconds: 10 })
    const server = await scene.serve(undefined, withHelm)
    const result = await execute(server, await server.call('assess_rollback', { version: '1.0.0' }))
    expect(result, result.summary).toMatchObject({ outcome: 'stuck' })
    const commands = manualOf(result.remains)
    for (const { why, command } of commands) {
      // It waits for what is never ready.
      await runPasted(cluster, command.replace(' --wait ', ' '), withHelm.PATH)
      if (/^Failed: Rolling/.test(why)) expect(await last('stuck')).toBe('Rollback to 1')
      if (/^To undo it instead: Roll/.test(why)) expect(await last('stuck')).toBe('Rollback to 3')
    }
    expect(await imageOf('deployment/stuck')).toBe(bad)
    expect(commands.map(({ why }) => why.split(':')[0])).toEqual(['Failed', 'Not done', 'To undo it instead'])
  })

  it.concurrent('that of a risk, and that of a refusal without the helm program', async () => {
    await chart().deploy('alone', { image: good, replicas }, '--wait')
    await chart().deploy('alone', { image: bad, replicas })
    await cluster.kubectl('scale', 'deployment/alone', '--replicas=2')
    await crashing('alone')
    const scene = await project({ workloads: ['deployment/alone'] })
    const { blockers } = await (await scene.serve()).call('assess_rollback')
    const { risks } = await (await scene.serve(undefined, withHelm)).call('assess_rollback')
    await runShown(cluster, blockers[0].next, withHelm.PATH)
    expect(await last('alone')).toBe('Rollback to 1')
    expect((await cluster.get('deployment/alone')).spec.replicas).toBe(1)
    await runShown(cluster, risks.find(({ id }: { id: string }) => id.startsWith('helm_replicas:')).detail)
    expect((await cluster.get('deployment/alone')).spec.replicas).toBe(2)
  })
})
