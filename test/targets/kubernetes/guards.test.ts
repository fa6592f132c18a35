import { expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import type { Answer } from '../../../testkit/built-server.ts'
import { type Shape, workload } from '../../../testkit/kubernetes/cluster.ts'
import { execute, historyRecord } from '../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'guards of a rollback on kubernetes', (backend) => {
  const scene = useCluster(backend)
  const { cluster } = scene
  const good = scene.image('1.1.0')
  const bad = scene.image('1.2.0', 'crash')
  const serve = (name: string, history: JsonObject[] = [], kubeconfig?: string, config: JsonObject = {}) =>
    scene.serve({ workloads: [`deployment/${name}`], ...config }, history, kubeconfig ? { kubeconfig } : {})
  const image = (name: string) => scene.imageOf(`deployment/${name}`)
  /** A Deployment whose second revision crashes while a pod of the first still serves. */
  const failed = (shape: Omit<Shape, 'image'>, change?: Partial<Shape>) => scene.failed(shape, { good, bad }, change)
  const ids = (list: Answer[]) => list.map(({ id }) => id)

  it.concurrent('a change by someone else between plan and execution makes execution refuse, and stays', async () => {
    await failed({ name: 'raced' })
    const server = await serve('raced')
    const assessment = await server.call('assess_rollback')
    await cluster.kubectl('set', 'env', 'deployment/raced', 'FIX=1')
    expect(await execute(server, assessment)).toMatchObject({ isError: true, error: { code: 'stale_plan' } })
    expect(await image('raced')).toBe(bad)
    expect(await cluster.kubectl('get', 'deployment/raced', '-o', 'jsonpath={..env[0].name}')).toBe('FIX')
    await cluster.kubectl('delete', 'deployment', 'raced', '--wait=false')
  })

  it.concurrent('scaling between plan and execution stays, and does not stop the rollback', async () => {
    await failed({ name: 'scaled' })
    const server = await serve('scaled')
    const assessment = await server.call('assess_rollback')
    await cluster.kubectl('scale', 'deployment/scaled', '--replicas=2')
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await cluster.kubectl('get', 'deployment/scaled', '-o', 'jsonpath={.spec.replicas}')).toBe('2')
    await cluster.kubectl('delete', 'deployment', 'scaled', '--wait=false')
  })

  it.concurrent('missing rights are blockers, and nothing is changed', async () => {
    await failed({ name: 'guarded' })
    const reader = await cluster.identity('reader', [
      { apiGroups: ['', 'apps'], resources: ['*'], verbs: ['get', 'list', 'watch'] }
    ])
    const server = await serve('guarded', [], reader)
    const assessment = await server.call('assess_rollback')
    expect(ids(assessment.blockers)).toEqual([`forbidden:patch:deployments:${cluster.namespace}`])
    expect(ids(assessment.risks)).toContain('no_lease')
    expect(await execute(server, assessment)).toMatchObject({ isError: true })
    expect(await image('guarded')).toBe(bad)
    await cluster.kubectl('delete', 'deployment', 'guarded', '--wait=false')
  })

  it.concurrent('every right that reading needs is named at once', async () => {
    await failed({ name: 'patched' })
    const patcher = await cluster.identity('patcher', [
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'patch'] }
    ])
    const { isError, error } = await (await serve('patched', [], patcher)).call('assess_rollback')
    expect({ isError, error }).toMatchObject({ isError: true, error: { code: 'forbidden' } })
    const missing = ['list deployments', 'watch deployments', 'list replicasets', 'list pods', 'watch pods']
    expect(error.why).toContain(missing.map((right) => `${right} in ${cluster.namespace}`).join(', '))
  })

  it.concurrent('few rights are enough to go back, without a lease and without a mark', async () => {
    await failed({ name: 'few' })
    const few = await cluster.identity('few', [
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list', 'watch', 'patch'] },
      { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['get', 'list'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }
    ])
    const server = await serve('few', [], few)
    const assessment = await server.call('assess_rollback')
    expect(assessment.summary).toContain('whether traffic reaches the pods is not checked')
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await image('few')).toBe(good)
    await cluster.kubectl('delete', 'deployment', 'few', '--wait=false')
  })

  it.concurrent('a right on the named objects alone is enough', async () => {
    await failed({ name: 'named' })
    const named = await cluster.identity('named', [
      {
        apiGroups: ['apps'],
        resources: ['deployments'],
        resourceNames: ['named'],
        verbs: ['get', 'list', 'watch', 'patch']
      },
      { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['get', 'list'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }
    ])
    const server = await serve('named', [], named)
    const assessment = await server.call('assess_rollback')
    expect(assessment.blockers).toEqual([])
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    await cluster.kubectl('delete', 'deployment', 'named', '--wait=false')
  })

  it.concurrent('a paused rollout is a risk to accept, and is resumed with the old template', async () => {
    await failed({ name: 'paused' })
    await cluster.kubectl('rollout', 'pause', 'deployment/paused')
    const server = await serve('paused')
    const assessment = await server.call('assess_rollback')
    expect(ids(assessment.risks)).toContain(`paused:deployment/${cluster.namespace}/paused`)
    expect(await execute(server, assessment, { accept: [] })).toMatchObject({ isError: true })
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await cluster.kubectl('get', 'deployment/paused', '-o', 'jsonpath={.spec.paused}')).toMatch(/^(false)?$/)
    await cluster.kubectl('delete', 'deployment', 'paused', '--wait=false')
  })

  it.concurrent('a second rollback does not lead to the broken revision, which is marked', async () => {
    await failed({ name: 'pingpong' })
    const first = await serve('pingpong')
    expect(await execute(first, await first.call('assess_rollback'))).toMatchObject({ outcome: 'succeeded' })
    // another person, another machine, no history
    const second = await serve('pingpong')
    const assessment = await second.call('assess_rollback')
    expect(assessment).toMatchObject({ current: { version: '1.1.0' }, recommended: null })
    expect(JSON.stringify(assessment.candidates)).toMatch(/rolled back from at .*marked on the target/)
    await cluster.kubectl('delete', 'deployment', 'pingpong', '--wait=false')
  })

  it.concurrent('a missing object that the old template names is a blocker; a changed one is a risk', async () => {
    await cluster.kubectl('create', 'configmap', 'settings', '--from-literal=a=1')
    await cluster.kubectl('create', 'secret', 'generic', 'key', '--from-literal=a=1')
    const container: JsonObject = { envFrom: [{ configMapRef: { name: 'settings' } }, { secretRef: { name: 'key' } }] }
    await failed({ name: 'refs', container }, { container: {} })
    await cluster.kubectl('patch', 'configmap', 'settings', '-p', '{"data":{"a":"2"}}')
    await cluster.kubectl('delete', 'secret', 'key')
    const server = await serve('refs')
    const assessment = await server.call('assess_rollback')
    expect(ids(assessment.blockers)).toEqual([`missing:secrets/${cluster.namespace}/key`])
    expect(ids(assessment.risks)).toContain(`config_changed:configmaps/${cluster.namespace}/settings`)
    await cluster.kubectl('delete', 'deployment', 'refs', '--wait=false')
  })

  it.concurrent('a candidate that does not come up is given up, and the state that served is restored', async () => {
    const gone = 'popk-nowhere.invalid/web:1.0.0'
    await cluster.apply(workload({ name: 'giveup', image: gone, replicas: 1 }))
    await cluster.rolledOut(workload({ name: 'giveup', image: good, replicas: 1 }))
    const history = [historyRecord('1.0.0', 'success', '2026-01-01T00:00:00Z')]
    const server = await serve('giveup', history, undefined, { deadline_seconds: 60 })
    const result = await execute(server, await server.call('assess_rollback', { version: '1.0.0' }))
    expect(result, result.summary).toMatchObject({ outcome: 'undone' })
    expect(result.summary).toMatch(/ImagePull|no progress/)
    expect(await image('giveup')).toBe(good)
    await cluster.kubectl('delete', 'deployment', 'giveup', '--wait=false')
  })

  it.concurrent('the next kubectl apply after a rollback removes what only the old template had', async () => {
    const extra = { env: [{ name: 'OLD_ONLY', value: 'x' }] }
    await failed({ name: 'applied', container: extra }, { container: {} })
    const server = await serve('applied')
    const done = await execute(server, await server.call('assess_rollback'))
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    const names = () => cluster.kubectl('get', 'deployment/applied', '-o', 'jsonpath={..env[*].name}')
    expect(await names()).toBe('OLD_ONLY')
    await cluster.apply(workload({ name: 'applied', image: good, replicas: 1 }))
    expect(await names()).toBe('')
    await cluster.kubectl('delete', 'deployment', 'applied', '--wait=false')
  })

  it.concurrent('Argo CD, Flux and an autoscaler are named as risks, Helm with its command as a blocker', async () => {
    await failed({
      name: 'owned',
      annotations: {
        'meta.helm.sh/release-name': 'shop',
        'meta.helm.sh/release-namespace': cluster.namespace,
        'argocd.argoproj.io/tracking-id': 'shop-app:apps/Deployment:x/owned'
      },
      labels: { 'app.kubernetes.io/managed-by': 'Helm', 'kustomize.toolkit.fluxcd.io/name': 'infra' }
    })
    await cluster.kubectl('autoscale', 'deployment', 'owned', '--min=1', '--max=2')
    const version = (await cluster.kubectl('api-versions')).includes('policy/v1\n') ? 'v1' : 'v1beta1'
    await cluster.apply({
      apiVersion: `policy/${version}`,
      kind: 'PodDisruptionBudget',
      metadata: { name: 'owned' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'owned' } } }
    })
    await cluster.kubectl('create', 'secret', 'generic', 'sh.helm.release.v1.shop.v3')
    await cluster.kubectl('label', 'secret', 'sh.helm.release.v1.shop.v3', 'owner=helm', 'name=shop', 'version=3')
    const server = await serve('owned')
    const assessment = await server.call('assess_rollback')
    expect(ids(assessment.risks)).toEqual(
      expect.arrayContaining(['argocd:shop-app', 'flux:infra', 'hpa:owned', 'pdb:owned'])
    )
    expect(assessment.blockers).toMatchObject([{ id: 'helm:shop', next: expect.stringMatching(/helm rollback shop/) }])
    expect(await execute(server, assessment)).toMatchObject({ isError: true })
    expect(await image('owned')).toBe(bad)
    await cluster.kubectl('delete', 'deployment/owned', 'hpa/owned', '--wait=false')
  })

  it.concurrent('a missing workload and a missing context are clear errors', async () => {
    const missing = await (await serve('nowhere')).call('assess_rollback')
    expect(missing).toMatchObject({ isError: true, error: { code: 'not_found' } })
    const context = await (await serve('x', [], undefined, { context: 'nowhere' })).call('assess_rollback')
    expect(context).toMatchObject({ isError: true, error: { code: 'no_cluster' } })
    expect(context.summary).toContain('nowhere')
  })
})
