import { randomBytes } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { type Shape, until, workload } from '../../../../testkit/kubernetes/cluster.ts'
import { testRun } from '../../../../testkit/target-context.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { applyAll, inTime, planned, revertAll, useCluster } from '../use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', "a workload's rollout strategy", (backend) => {
  const { cluster, image, podImages, target: open, upgraded } = useCluster(backend)
  const [good, next, bad] = [image('1.1.0'), image('1.2.0'), image('1.3.0', 'crash')]

  const images = (app: string, wanted: string[]) =>
    until(`${app} to run ${wanted}`, async () => (await podImages(app)).join() === wanted.join())
  const ready = (app: string) =>
    until(`${app} to be ready`, async () => {
      const text = await cluster.kubectl('get', 'pods', '-l', `app=${app}`, '--no-headers')
      return text.split('\n').every((line) => /1\/1 +Running/.test(line))
    })

  it.concurrent('Recreate goes back, and the plan says that its pods stop first', async () => {
    await upgraded({ name: 'recreate', spec: { strategy: { type: 'Recreate' } } }, { good, next })
    const target = await open({ workloads: ['deployment/recreate'] })
    const plan = await planned(target, '1.1.0')
    expect(plan.notes.join()).toMatch(/recreate uses Recreate: its pods stop/)
    expect((await applyAll(target, plan)).slice(0, 2)).toEqual([expect.stringMatching(/^ready after/), 'rolled out'])
    expect(await podImages('recreate')).toEqual([good])
  })

  it.concurrent.each(['StatefulSet', 'DaemonSet'] as const)(
    'OnDelete: the pods of a %s are deleted by a step that names them, and again when that is undone',
    async (kind) => {
      const name = `ondelete-${kind.toLowerCase()}-${randomBytes(2).toString('hex')}`
      const what = `${kind.toLowerCase()}/${name}`
      const replicas = kind === 'StatefulSet' ? 2 : 1
      const shape: Shape = { kind, name, image: good, replicas, spec: { updateStrategy: { type: 'OnDelete' } } }
      const all = (image: string): string[] => Array.from({ length: replicas }, () => image)
      await cluster.apply(workload(shape))
      await images(name, all(good))
      await ready(name)
      await cluster.apply(workload({ ...shape, image: next }))
      await cluster.kubectl('delete', 'pod', '-l', `app=${name}`)
      await images(name, all(next))
      await ready(name)

      const target = await open({ workloads: [what] })
      const plan = await planned(target, '1.1.0')
      expect(plan.blockers).toEqual([])
      expect(plan.steps.map(({ kind: of }) => of)).toEqual(['roll_back', 'replace_pods', 'mark'])
      const names = (
        await cluster.kubectl('get', 'pods', '-l', `app=${name}`, '-o', 'jsonpath={.items[*].metadata.name}')
      ).split(' ')
      for (const pod of names) expect(plan.steps[1]?.title).toContain(pod)
      const switched = plan.steps.filter(({ phase }) => phase === 'switch')
      const run = testRun()
      expect(await applyAll(target, { steps: switched.slice(0, 1) }, run)).toEqual(['rolled out'])
      // As if a former try had died after the first deletion.
      await cluster.kubectl('delete', 'pod', names.at(-1) ?? '')
      const left = replicas === 1 ? 'already replaced' : `${replicas - 1} deleted and replaced`
      expect(await applyAll(target, { steps: switched }, run)).toEqual(['already there', left])
      expect(await podImages(name)).toEqual(all(good))
      const { checks } = await target.check(plan.release, { signal: inTime() })
      expect(checks.filter(({ status }) => status !== 'pass')).toEqual([])
      await revertAll(target, { steps: switched }, run)
      // Undoing does not wait long for each pod, which may not have been healthy.
      await images(name, all(next))
    }
  )

  it.concurrent('a partition stays: a canary goes back, but not to a version that only some pods would run', async () => {
    const shape = (image: string, partition: number): Shape => ({
      kind: 'StatefulSet',
      name: 'canary',
      image,
      spec: { podManagementPolicy: 'Parallel', updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } } }
    })
    await cluster.rolledOut(workload(shape(good, 0)))
    await cluster.apply(workload(shape(next, 1)))
    await images('canary', [good, next])
    await ready('canary')
    const target = await open({ workloads: ['statefulset/canary'] })
    const plan = await planned(target, '1.1.0')
    expect(plan.blockers).toEqual([])
    // The canary serves, so that its number alone would look complete before it is replaced.
    await applyAll(target, { steps: plan.steps.slice(0, 1) })
    expect(await podImages('canary')).toEqual([good, good])
    await cluster.apply(workload(shape(next, 0)))
    await images('canary', [next, next])
    await until('the update to be recorded', async () => {
      const { status } = await cluster.get('statefulset/canary')
      return status.currentRevision === status.updateRevision
    })
    await cluster.apply(workload(shape(next, 1)))
    expect((await planned(target, '1.1.0')).blockers).toMatchObject([
      { id: `partition:statefulset/${cluster.namespace}/canary`, next: expect.stringMatching(/"partition":0/) }
    ])
  })

  it.concurrent('a StatefulSet stuck on a broken pod keeps its claims', async () => {
    const shape: Shape = {
      kind: 'StatefulSet',
      name: 'stuck',
      image: good,
      replicas: 1,
      container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
      spec: {
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: {
              accessModes: ['ReadWriteOnce'],
              storageClassName: 'by-hand',
              resources: { requests: { storage: '1Mi' } }
            }
          }
        ]
      }
    }
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: cluster.namespace },
      spec: {
        capacity: { storage: '1Mi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'by-hand',
        claimRef: { namespace: cluster.namespace, name: 'data-stuck-0' },
        hostPath: { path: `/tmp/${cluster.namespace}`, type: 'DirectoryOrCreate' }
      }
    })
    try {
      await cluster.rolledOut(workload(shape))
      const claim = (await cluster.get('pvc/data-stuck-0')).metadata.uid
      await cluster.apply(workload({ ...shape, image: bad }))
      await until('the crash', async () => /CrashLoop/.test(await cluster.kubectl('get', 'pods', '-l', 'app=stuck')))
      const target = await open({ workloads: ['statefulset/stuck'] })
      const plan = await planned(target, '1.1.0')
      expect(plan.steps[1]).toMatchObject({ kind: 'delete_pods', params: { pods: ['stuck-0'] } })
      await applyAll(target, plan)
      await ready('stuck')
      expect((await cluster.get('pvc/data-stuck-0')).metadata.uid).toBe(claim)
    } finally {
      await cluster.kubectl('delete', 'statefulset/stuck', '--wait=false')
      await cluster.kubectl('delete', 'pv', cluster.namespace, '--wait=false')
    }
  })
})
