import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import type { Shape } from '../../../testkit/kubernetes/cluster.ts'
import { until, workload } from '../../../testkit/kubernetes/cluster.ts'
import { execute } from '../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { manualOf, runPasted, runShown } from './shown-commands.ts'
import { planned, useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'the commands that are printed work as they are printed', (backend) => {
  const { cluster, image, imageOf, readyImages, failed, revisions, crashing, project, target } = useCluster(backend)
  const [good, bad, unhealthy] = [image('1.1.0'), image('1.3.0', 'crash'), image('1.0.0', 'unhealthy')]

  const onDelete = { updateStrategy: { type: 'OnDelete' } }
  const shapes: [string, Omit<Shape, 'image'> & { name: string }][] = [
    ['a Deployment', { name: 'plain', kind: 'Deployment', replicas: 2 }],
    ['a StatefulSet that a broken pod keeps stuck', { name: 'ordered', kind: 'StatefulSet', replicas: 2 }],
    ['a DaemonSet', { name: 'everywhere', kind: 'DaemonSet' }]
  ]

  it.concurrent.each(shapes)('those of a plan for %s, and those that undo it', async (_title, shape) => {
    const what = `${shape.kind?.toLowerCase()}/${shape.name}`
    await failed(shape, { good, bad })
    const { steps } = await planned(await target({ workloads: [what] }), '1.1.0')
    for (const command of steps.flatMap(({ manualCommands = [] }) => manualCommands)) await runPasted(cluster, command)
    expect(await imageOf(what)).toBe(good)
    expect(new Set(await readyImages(shape.name))).toEqual(new Set([good]))
    const undo = [...steps].reverse().flatMap(({ manualUndoCommands = [] }) => manualUndoCommands)
    for (const command of undo.filter((one) => !one.includes('rollout status'))) await runPasted(cluster, command)
    expect(await imageOf(what)).toBe(bad)
    expect(undo.length).toBeGreaterThan(0)
  })

  it.concurrent('those of a plan that deletes pods one by one, and those that undo it', async () => {
    const kind = 'StatefulSet'
    await cluster.apply(workload({ name: 'deleted', kind, replicas: 1, image: good, spec: onDelete }))
    await until('the first pod', async () => (await readyImages('deleted')).includes(good))
    await cluster.apply(workload({ name: 'deleted', kind, replicas: 1, image: bad, spec: onDelete }))
    await cluster.kubectl('delete', 'pod', 'deleted-0')
    await crashing('deleted')
    const { steps } = await planned(await target({ workloads: ['statefulset/deleted'] }), '1.1.0')
    for (const command of steps.flatMap(({ manualCommands = [] }) => manualCommands)) await runPasted(cluster, command)
    await until('the good pod', async () => (await readyImages('deleted')).includes(good))
    for (const { manualUndoCommands = [] } of [...steps].reverse())
      for (const command of manualUndoCommands) await runPasted(cluster, command)
    expect(await imageOf('statefulset/deleted')).toBe(bad)
  })

  it.concurrent('those that remain of a rollback that is stuck, after it has renumbered the revisions', async () => {
    const shape = { name: 'stuck', replicas: 1 }
    await cluster.apply(workload({ ...shape, image: unhealthy }))
    await revisions('stuck', 1)
    await cluster.rolledOut(workload({ ...shape, image: good }))
    await cluster.apply(workload({ ...shape, image: bad }))
    await crashing('stuck')
    const scene = await project({ workloads: ['deployment/stuck'], deadline_seconds: 10 })
    const server = await scene.serve()
    const result = await execute(server, await server.call('assess_rollback', { version: '1.0.0' }))
    expect(result, result.summary).toMatchObject({ outcome: 'stuck' })
    const { path } = await server.call('write_incident', {})
    const report = await readFile(join(scene.project.dir, path), 'utf8')
    const commands = manualOf(result.remains)
    for (const { why, command } of commands) {
      expect(report).toContain(command)
      // It waits for what is never ready.
      await runPasted(cluster, command.replace(/ && kubectl \S+ \S+ rollout status .*/, ''))
      if (/^Failed: Rolling/.test(why)) expect(await imageOf('deployment/stuck')).toBe(unhealthy)
      if (/^To undo it instead: Put/.test(why)) expect(await imageOf('deployment/stuck')).toBe(bad)
    }
    expect(commands.map(({ why }) => why.split(':')[0])).toEqual(
      expect.arrayContaining(['Failed', 'Not done', 'To undo it instead'])
    )
  })

  it.concurrent('that of a right that is missing', async () => {
    await failed({ name: 'limited' }, { good, bad })
    const kubeconfig = await cluster.identity('reader', [
      { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['pods', 'services'], verbs: ['get', 'list', 'watch'] }
    ])
    const { blockers } = await planned(await target({ workloads: ['deployment/limited'] }, { kubeconfig }), '1.1.0')
    expect(blockers.map(({ id }) => id)).toEqual([`forbidden:patch:deployments:${cluster.namespace}`])
    // kubectl exits with 1 for "no".
    const next = blockers[0]?.next.replace(/"\.$/, ' || true".') ?? ''
    expect((await runShown({ ...cluster, kubeconfig }, next)).trim()).toBe('no')
  })
})
