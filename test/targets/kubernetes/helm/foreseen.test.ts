import { writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import type { Answer } from '../../../../testkit/built-server.ts'
import { until } from '../../../../testkit/kubernetes/cluster.ts'
import { execute } from '../../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { runShown } from '../shown-commands.ts'
import { useChart } from './helm-scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('helm', 'what makes Helm fail is found before anything begins', (backend) => {
  const { cluster, chart, image: made, imageOf, readyImages, crashing, project, withHelm } = useChart(backend)
  const [good, bad] = [made('1.1.0'), made('1.3.0', 'crash')]
  const replicas = '1'

  /** A good revision with one object, and a bad one with another; `between` happens before the second. */
  async function failed(name: string, first: JsonObject | null, second: JsonObject | null, between = async () => {}) {
    const having = async (object: JsonObject | null) => (object ? chart().having(object) : [])
    await chart().deploy(name, { image: good, replicas }, ...(await having(first)), '--wait')
    await between()
    await chart().deploy(name, { image: bad, replicas }, ...(await having(second)))
    await crashing(name)
  }
  const serve = async (name: string, kubeconfig?: string) =>
    (await project({ workloads: [`deployment/${name}`] })).serve(kubeconfig, withHelm)
  const job = (name: string, image: string): JsonObject => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'job', image, command: ['true'] }] } } }
  })
  const configMap = (name: string): JsonObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: { of: 'helm' }
  })

  it.concurrent('an immutable Job, with the command after which it succeeds', async () => {
    const kubectl = () => cluster.kubectl('delete', 'job', 'once')
    await failed('migrated', job('once', good), job('once', bad), async () => void (await kubectl()))
    const server = await serve('migrated')
    const assessment = await server.call('assess_rollback')
    expect(assessment.blockers, assessment.summary).toHaveLength(1)
    const [blocker] = assessment.blockers as Answer[]
    expect(blocker).toMatchObject({ id: 'helm_refused:job/once', why: expect.stringContaining('field is immutable') })
    expect(await execute(server, assessment)).toMatchObject({ isError: true })
    expect(await imageOf('deployment/migrated')).toBe(bad)
    await runShown(cluster, blocker?.next)
    const done = await execute(server, await server.call('assess_rollback'))
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await readyImages('migrated')).toEqual([good])
  })

  it.concurrent('an object that the newest revision does not have, with the command after which it succeeds', async () => {
    await failed('recreated', configMap('settings'), null)
    await cluster.kubectl('create', 'configmap', 'settings', '--from-literal=of=hand')
    const server = await serve('recreated')
    const { blockers } = await server.call('assess_rollback')
    expect(blockers).toMatchObject([{ id: 'helm_exists:configmap/settings' }])
    await runShown(cluster, blockers[0].next)
    const done = await execute(server, await server.call('assess_rollback'))
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect((await cluster.get('configmap/settings')).data).toEqual({ of: 'helm' })
  })

  it.concurrent('an API version that the cluster does not serve any more', async () => {
    const group = `${cluster.namespace}.example.com`
    const plural = 'gadgets'
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural, singular: 'gadget', kind: 'Gadget' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }]
      }
    }
    await cluster.apply(crd)
    try {
      await cluster.kubectl('wait', `crd/${plural}.${group}`, '--for=condition=established', '--timeout=60s')
      await failed('removed', { apiVersion: `${group}/v1`, kind: 'Gadget', metadata: { name: 'one' } }, null)
    } finally {
      await cluster.kubectl('delete', 'crd', `${plural}.${group}`)
    }
    const server = await serve('removed')
    const assessment = await until('the API is gone', async () => {
      const answer = await server.call('assess_rollback')
      return answer.blockers.length > 0 ? answer : null
    })
    expect(assessment.blockers).toMatchObject([
      { id: 'helm_api:1', why: `the cluster does not serve ${group}/v1 Gadget any more` }
    ])
  })

  it.concurrent('each right that Helm needs for the objects and its records', async () => {
    await failed('limited', configMap('before'), configMap('after'))
    const all = ['get', 'list', 'watch', 'patch']
    const kubeconfig = await cluster.identity('limited', [
      { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: all },
      { apiGroups: [''], resources: ['pods', 'services'], verbs: all },
      { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'] }
    ])
    const { blockers } = await (await serve('limited', kubeconfig)).call('assess_rollback')
    expect(blockers.map(({ id }: Answer) => id).sort()).toEqual(
      ['create:configmaps', 'create:secrets', 'delete:configmaps', 'get:configmaps', 'update:secrets'].map(
        (right) => `forbidden:${right}:${cluster.namespace}`
      )
    )
  })

  it.concurrent('each right on the records, where Helm may not even read them', async () => {
    await failed('unread', null, null)
    const kubeconfig = await cluster.identity('unread', [
      { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['get', 'list', 'watch', 'patch'] },
      { apiGroups: [''], resources: ['pods', 'services'], verbs: ['get', 'list', 'watch'] }
    ])
    const { blockers } = await (await serve('unread', kubeconfig)).call('assess_rollback')
    expect(blockers.map(({ id }: Answer) => id)).toEqual([
      'helm:unread',
      ...['get', 'list', 'create', 'update'].map((verb) => `forbidden:${verb}:secrets:${cluster.namespace}`)
    ])
  })

  it.concurrent('nothing, where the login is in several kubeconfig files', async () => {
    await failed('several', null, null)
    const { clusters, users, contexts } = JSON.parse(await cluster.kubectl('config', 'view', '--raw', '-o', 'json'))
    const scene = await project({ workloads: ['deployment/several'] })
    const parts = [{ clusters }, { users, contexts }, { 'current-context': contexts[0].name, clusters }]
    const files = parts.map((_, index) => join(scene.project.dir, `${index}.kubeconfig`))
    await Promise.all(parts.map((part, index) => writeFile(files[index] ?? '', JSON.stringify(part))))
    const server = await scene.serve(files.join(delimiter), withHelm)
    const done = await execute(server, await server.call('assess_rollback'))
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect((await chart().history('several')).at(-1)).toMatchObject({ description: 'Rollback to 1' })
  })
})
