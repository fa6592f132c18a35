import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import type { Risk } from '../../../../src/model/observation.ts'
import { until } from '../../../../testkit/kubernetes/cluster.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { planned, useCluster } from '../use-cluster.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const commit = 'c0ffee0123456789c0ffee0123456789c0ffee01'
const before = '0badcafe0123456789abcdef0123456789abcdef'

/** The kind alone, without its controller: the objects are real, and nothing acts on them. */
const kind = (group: string, version: string, name: string, plural: string): JsonObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind: name, plural, singular: name.toLowerCase(), listKind: `${name}List` },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
      }
    ]
  }
})

describeOn('kubernetes', 'workloads that git owns', (backend) => {
  const { cluster, image, target, upgraded } = useCluster(backend)
  const [good, next] = [image('1.1.0'), image('1.2.0')]

  beforeAll(async () => {
    await cluster.apply(kind('argoproj.io', 'v1alpha1', 'Application', 'applications'))
    await cluster.apply(kind('kustomize.toolkit.fluxcd.io', 'v1', 'Kustomization', 'kustomizations'))
  })
  afterAll(async () => {
    await cluster.kubectl('delete', 'crd', 'applications.argoproj.io', 'kustomizations.kustomize.toolkit.fluxcd.io')
  })

  /** Created once the API server serves its kind. */
  const create = (object: JsonObject) =>
    until('its kind to be served', async () => {
      await cluster.apply(object)
      return true
    })
  const application = (name: string, spec: JsonObject, more: JsonObject = {}) =>
    create({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name, ...more },
      spec: { source: { repoURL: 'https://git.example/shop' }, ...spec },
      status: { sync: { revision: commit }, history: [{ revision: before }, { revision: commit }] }
    })
  const risksOf = async (name: string, marks: { annotations?: JsonObject; labels?: JsonObject }): Promise<Risk[]> => {
    await upgraded({ name, ...marks }, { good, next })
    const { risks } = await planned(await target({ workloads: [`deployment/${name}`] }), '1.1.0')
    return risks.filter(({ id }) => /^(argocd|flux):/.test(id))
  }
  const trackedBy = (name: string) => ({
    annotations: { 'argocd.argoproj.io/tracking-id': `${cluster.namespace}_${name}:apps/Deployment:x/y` }
  })

  it.concurrent('an application with automated sync: the commit to revert, and how to switch it off', async () => {
    await application('auto', { syncPolicy: { automated: { selfHeal: true } } })
    const [risk] = await risksOf('by-annotation', trackedBy('auto'))
    expect(risk).toMatchObject({ id: 'argocd:auto', serious: true })
    expect(risk?.detail).toContain('c0ffee012345 of https://git.example/shop, and 0badcafe0123 before it')
    expect(risk?.detail).toContain(`argocd app set ${cluster.namespace}/auto --sync-policy none`)
  })

  it.concurrent('one of an ApplicationSet is switched off there', async () => {
    const owner = { apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', name: 'shops', uid: 'u' }
    await application('of-a-set', { syncPolicy: { automated: {} } }, { ownerReferences: [owner] })
    const [risk] = await risksOf('of-a-set', trackedBy('of-a-set'))
    expect(risk?.detail).toContain('ApplicationSet shops')
  })

  it.concurrent('an application whose automated sync is off is named, and is no serious risk', async () => {
    await application('by-hand', { syncPolicy: { automated: { enabled: false } } })
    const [risk] = await risksOf('by-hand', trackedBy('by-hand'))
    expect(risk).toMatchObject({ id: 'argocd:by-hand', serious: false })
  })

  it.concurrent('a label that other tools use counts only where Argo CD manages the object', async () => {
    const labels = { 'app.kubernetes.io/instance': 'unread' }
    expect(await risksOf('labelled', { labels })).toEqual([])
    await cluster.kubectl('annotate', 'deployment/labelled', 'x=y', '--field-manager=argocd-controller')
    const { risks, soakMs } = await planned(await target({ workloads: ['deployment/labelled'] }), '1.1.0')
    expect(risks.find(({ id }) => id === 'argocd:unread')).toMatchObject({
      serious: true,
      detail: expect.stringContaining('could not be read')
    })
    expect(soakMs).toBe(30_000)
  })

  it.concurrent('a kustomization of Flux: the revision it applied, and whether it is suspended', async () => {
    const kustomization = (name: string, suspend: boolean) =>
      create({
        apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
        kind: 'Kustomization',
        metadata: { name },
        spec: { suspend },
        status: { lastAppliedRevision: `main@sha1:${commit}` }
      })
    const labels = (name: string) => ({
      'kustomize.toolkit.fluxcd.io/name': name,
      'kustomize.toolkit.fluxcd.io/namespace': cluster.namespace
    })
    await kustomization('shop', false)
    await kustomization('quiet', true)
    expect(await risksOf('flux', { labels: labels('shop') })).toMatchObject([
      { id: 'flux:shop', serious: true, detail: expect.stringContaining(`main@sha1:${commit}`) }
    ])
    expect(await risksOf('suspended', { labels: labels('quiet') })).toMatchObject([
      { id: 'flux:quiet', serious: false }
    ])
  })
})
