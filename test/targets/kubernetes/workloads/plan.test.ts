import { expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import type { Answer } from '../../../../testkit/built-server.ts'
import { type Shape, until, workload } from '../../../../testkit/kubernetes/cluster.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { applyAll, inTime, type Planned, planned, useCluster } from '../use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id)

describeOn('kubernetes', 'what a plan on kubernetes finds before anything is changed', (backend) => {
  const quotas = useCluster(backend)
  const versions = { old: quotas.image('1.1.0'), next: quotas.image('1.2.0') }
  const pulls = useCluster(backend)
  const good = pulls.image('1.3.0')

  it.concurrent('quotas and limits are compared with what the rollback needs, in numbers', async () => {
    const { cluster } = quotas
    const memory = (requests: string): JsonObject => ({ resources: { requests: { memory: requests } } })
    const rolling = (maxUnavailable: number): JsonObject => ({
      strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable } }
    })
    const shape = (version: string, requests: string): Shape => ({
      image: version,
      replicas: 1,
      container: memory(requests),
      spec: rolling(0)
    })
    // What an attempt before left.
    await cluster.kubectl('delete', 'deployment,resourcequota,limitrange', '--all')
    await cluster.kubectl('delete', 'serviceaccount,role,rolebinding', 'few', '--ignore-not-found')
    await until(
      'an empty namespace',
      async () => (await cluster.kubectl('get', 'pods,replicasets', '-o', 'name')) === ''
    )
    await cluster.rolledOut(workload(shape(versions.old, '40Mi')))
    await cluster.rolledOut(workload(shape(versions.next, '20Mi')))
    await until(
      'the old pods to be gone',
      async () => (await cluster.kubectl('get', 'pods', '-o', 'name')).split('\n').length === 1
    )
    const target = await quotas.target({ workloads: ['deployment/web'] })
    const quota = async (hard: JsonObject): Promise<void> => {
      await cluster.kubectl('delete', 'resourcequota', '--all')
      await cluster.apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard } })
      await until('the quota to be counted', async () => {
        const { status } = await cluster.get('resourcequota/q')
        return Object.keys(hard).every((name) => status.used?.[name] !== undefined)
      })
    }
    const seen = async () => {
      const { blockers, risks } = await planned(target, '1.1.0')
      // A node names no more than some of its images, and those late.
      return { blockers, risks: risks.filter(({ id }) => id !== 'image_unknown') }
    }
    expect(await seen()).toEqual({ blockers: [], risks: [] })

    await quota({ pods: '1' })
    const id = (of: string) => `quota:${cluster.namespace}/q:${of}`
    const stuck = await planned(target, '1.1.0')
    expect(stuck.blockers).toMatchObject([
      { id: id('pods'), why: expect.stringMatching(/^pods: 1 hard, 1 used, 1 more needed, and no old pod may stop/) }
    ])

    await quota({ 'requests.memory': '30Mi' })
    expect((await planned(target, '1.1.0')).blockers).toMatchObject([
      {
        id: id('requests.memory'),
        why: 'requests.memory: 30Mi hard, 20Mi used, 20Mi more needed once every old pod is gone'
      }
    ])

    await quota({ 'limits.memory': '1Gi' })
    expect((await planned(target, '1.1.0')).blockers).toMatchObject([
      {
        id: `pod_refused:deployment/${cluster.namespace}/web`,
        why: expect.stringMatching(/must specify limits.memory/)
      }
    ])
    await cluster.kubectl('delete', 'resourcequota', '--all')

    const limits = (spec: JsonObject) =>
      cluster.apply({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l' }, spec: { limits: [spec] } })
    await limits({ type: 'Container', max: { memory: '30Mi' } })
    expect((await planned(target, '1.1.0')).blockers).toMatchObject([
      { id: `pod_refused:deployment/${cluster.namespace}/web`, why: expect.stringMatching(/30Mi|memory limit/) }
    ])
    // What a LimitRange gives to a container that asks for nothing counts as well.
    await limits({ type: 'Container', defaultRequest: { cpu: '100m' } })
    await quota({ 'requests.cpu': '50m' })
    expect((await planned(target, '1.1.0')).blockers).toMatchObject([
      { id: id('requests.cpu'), why: expect.stringMatching(/50m hard, 0m used, 100m more needed/) }
    ])
    await cluster.kubectl('delete', 'limitrange', '--all')

    const few = await cluster.identity('few', [
      { apiGroups: ['apps'], resources: ['*'], verbs: ['*'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['*'] }
    ])
    const blind = await quotas.target({ workloads: ['deployment/web'] }, { kubeconfig: few })
    const unseen = await planned(blind, '1.1.0')
    expect(unseen.blockers).toEqual([])
    expect(unseen.risks).toMatchObject([
      { id: expect.stringMatching(/^pod_untried:/), serious: false, detail: expect.stringMatching(/cannot create/) },
      { id: `quota_unseen:${cluster.namespace}:resourcequotas`, serious: false },
      { id: 'image_unknown', detail: expect.stringMatching(/do not allow reading what the nodes have/) }
    ])

    await quota({ pods: '1' })
    await cluster.kubectl('patch', 'deployment/web', '-p', JSON.stringify({ spec: rolling(1) }))
    const slower = await seen()
    expect(slower.blockers).toEqual([])
    expect(slower.risks).toMatchObject([
      { id: id('pods'), serious: false, detail: expect.stringMatching(/Old pods stop first/) }
    ])
    expect((await applyAll(target, await planned(target, '1.1.0')))[0]).toBe('rolled out')
  })

  it.concurrent('images that could not be pulled, exist nowhere, or whose login is gone', async () => {
    const { cluster, revisions } = pulls
    const spec = { progressDeadlineSeconds: 600, strategy: { rollingUpdate: { maxUnavailable: 0 } } }
    const shape = (image: string, more: Partial<Shape> = {}) =>
      workload({ name: 'web', replicas: 1, image, spec, ...more })
    const nowhere = 'popk-nowhere.invalid/web:1.0.0'
    await cluster.apply(shape(nowhere))
    await until('the failed pull', async () =>
      (await cluster.kubectl('get', 'events', '--field-selector', 'reason=Failed')).includes('Failed to pull image')
    )
    await cluster.kubectl('create', 'secret', 'generic', 'other', '--from-literal=a=b')
    await cluster.kubectl('create', 'secret', 'docker-registry', 'login', '--docker-username=u', '--docker-password=p')
    const imagePullSecrets = ['login', 'other', 'gone'].map((name) => ({ name }))
    await cluster.apply(shape(good, { container: { imagePullPolicy: 'Always' }, pod: { imagePullSecrets } }))
    await revisions('web', 2)
    const never = 'popk-nowhere.invalid/web:1.1.0'
    await cluster.apply(shape(never, { container: { imagePullPolicy: 'Never' } }))
    await revisions('web', 3)
    await cluster.apply(shape('popk-nowhere.invalid/web:1.4.0'))
    await revisions('web', 4)

    const target = await pulls.target({ workloads: ['deployment/web'] })
    const risks = async (version: string): Promise<Planned['risks']> => (await planned(target, version)).risks
    expect(await risks('1.0.0')).toMatchObject([{ id: `image_pull_failed:${nowhere}`, serious: true }])
    expect(await risks('1.1.0')).toMatchObject([
      { id: `image_absent:${never}`, serious: true, title: expect.stringMatching(/on 0 of \d+ nodes/) }
    ])
    const always = await risks('1.3.0')
    expect(ids(always).sort()).toEqual([
      expect.stringMatching(/^image_(unknown|pull_failed)/),
      `pull_secret:${cluster.namespace}/gone`,
      `pull_secret:${cluster.namespace}/other`
    ])
  })

  it.concurrent('an image that every node has is not mentioned', async () => {
    const { cluster, revisions } = pulls
    const { items } = await cluster.get('nodes')
    const [first = [], ...others]: string[][] = items.map(({ status }: Answer) =>
      (status.images ?? []).flatMap(({ names }: Answer) => names ?? [])
    )
    const everywhere = first.find(
      (name) => /^[^@]+:[\w.-]+$/.test(name) && others.every((names) => names.includes(name))
    )
    if (!everywhere || everywhere.endsWith(':latest')) return
    const shape = (image: string) => workload({ name: 'listed', image, replicas: 0 })
    await cluster.apply(shape(everywhere))
    await revisions('listed', 1)
    await cluster.apply(shape('popk-nowhere.invalid/web:9.0.0'))
    await revisions('listed', 2)
    const target = await pulls.target({ workloads: ['deployment/listed'] })
    const { observation, state } = await target.observe(inTime())
    const [release] = observation.releases
    if (!release) throw new Error('there is no former release')
    expect((await target.plan(observation, state, release, inTime())).risks).toEqual([])
  })
})
