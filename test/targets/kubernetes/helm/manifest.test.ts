import { expect, it } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { createMask } from '../../../../src/support/mask.ts'
import {
  clusterRevision,
  findObject,
  hashOf,
  objectsOf,
  runs
} from '../../../../src/targets/kubernetes/helm/manifest.ts'
import { templateSchema, workloadSchema } from '../../../../src/targets/kubernetes/objects/objects.ts'
import type { Revision } from '../../../../src/targets/kubernetes/objects/revision.ts'
import type { Workload } from '../../../../src/targets/kubernetes/objects/workload.ts'

const manifest = `---
# Source: web/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: web}
data: {key: c2VjcmV0LW9mLWRhdGE=}
stringData: {other: secret-of-string-data}
---
kind: List
items:
- {kind: PersistentVolumeClaim, metadata: {name: data, annotations: {helm.sh/resource-policy: keep}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: other}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "web:1", env: [{name: A, value: "1"}], ports: [{containerPort: 8080}],
        resources: {limits: {cpu: 0.5}}, livenessProbe: {initialDelaySeconds: 0}}]
`

it('objectsOf refuses a manifest that is not safe to parse, and says why', async () => {
  await expect(objectsOf(`a: ${'? '.repeat(100_000)}`, 'shop', createMask())).rejects.toMatchObject({
    code: 'unsafe_yaml',
    why: 'it is not safe to parse: it is nested deeper than 100 levels'
  })
})

it('objectsOf reads every object, and masks the values of its Secrets', async () => {
  const mask = createMask()
  const objects = await objectsOf(manifest, 'shop', mask)
  expect(objects.map(({ kind, namespace, name, kept }) => [kind, namespace, name, kept])).toEqual([
    ['Secret', 'shop', 'web', false],
    ['PersistentVolumeClaim', 'shop', 'data', true],
    ['Deployment', 'other', 'web', false]
  ])
  expect(mask.text('secret-of-data c2VjcmV0LW9mLWRhdGE= secret-of-string-data')).toBe('*** *** ***')
  expect(await objectsOf('kind: [', 'shop', mask)).toEqual([])
})

it('hashOf depends on the content, not on the space around it', () => {
  expect(hashOf(`\n${manifest}\n\n`)).toBe(hashOf(manifest))
  expect(hashOf(manifest.replace('web:1', 'web:2'))).not.toBe(hashOf(manifest))
})

/** A workload with revisions of these templates, of which the last one is live. */
function workloadOf(...templates: { spec: JsonObject; annotations?: JsonObject }[]): Workload {
  const revisions = templates.map(({ spec, annotations = {} }, index): Revision => {
    const template = templateSchema.parse({
      metadata: { labels: { app: 'web' }, annotations },
      spec: { restartPolicy: 'Always', ...spec }
    })
    const name = `web-${index}`
    return { name, uid: name, number: index, hash: name, image: '', template }
  })
  const spec = { template: revisions.at(-1)?.template ?? {} }
  const address = { kind: 'deployment', namespace: 'other', name: 'web' } as const
  const object = workloadSchema.parse({ metadata: { name: 'web' }, spec })
  return { address, object, hash: '', revisions, current: null, pods: null, readAt: 0 }
}
const container = (change: JsonObject = {}): JsonObject => ({
  name: 'web',
  image: 'web:1',
  env: [{ name: 'A', value: '1' }],
  ports: [{ containerPort: 8080, protocol: 'TCP' }],
  resources: { limits: { cpu: '500m' } },
  livenessProbe: {},
  ...change
})
const asDeployed = { spec: { containers: [container()] } }

it.each([
  ['runs what Helm deployed', [asDeployed], true],
  ['was restarted', [asDeployed, { ...asDeployed, annotations: { restartedAt: 'now' } }], true],
  [
    'has a container that something injects',
    [{ spec: { containers: [container(), { name: 'proxy', image: 'p:1' }] } }],
    true
  ],
  ['runs another image', [asDeployed, { spec: { containers: [container({ image: 'web:2' })] } }], false],
  ['has another variable', [asDeployed, { spec: { containers: [container({ env: [] })] } }], false],
  [
    'has a command that the chart does not name',
    [asDeployed, { spec: { containers: [container({ command: ['x'] })] } }],
    false
  ],
  [
    'got a container later',
    [asDeployed, { spec: { containers: [container(), { name: 'proxy', image: 'p:1' }] } }],
    false
  ],
  ['lost a command with this revision', [{ spec: { containers: [container({ command: ['x'] })] } }, asDeployed], true],
  [
    'is written by the server in its own way',
    [{ spec: { containers: [container({ env: [{ name: 'A', value: '01' }] })] } }],
    true
  ]
])('runs: a workload that %s', async (_name, templates, expected) => {
  const objects = await objectsOf(manifest, 'shop', createMask())
  expect(runs(workloadOf(...templates), { objects })).toBe(expected)
})

it('clusterRevision finds the revision with the same images, and compares the rest if several have them', async () => {
  const objects = await objectsOf(manifest, 'shop', createMask())
  const address = { kind: 'deployment', namespace: 'other', name: 'web' } as const
  expect(findObject(objects, address)?.template).toBeDefined()
  const of = (change: JsonObject): { spec: JsonObject } => ({ spec: { containers: [container(change)] } })
  const found = (...changes: JsonObject[]) => clusterRevision(workloadOf(...changes.map(of)), { objects })?.name
  expect(found({}, { image: 'web:2' })).toBe('web-0')
  expect(found({}, { env: [{ name: 'A', value: '2' }] })).toBe('web-0')
  expect(found({}, { command: ['x'] })).toBe('web-0')
  expect(found({}, {})).toBeUndefined()
  expect(found({ image: 'web:2' })).toBeUndefined()
})
