import { expect, it } from 'vitest'
import { createMask } from '../../../../src/support/mask.ts'
import { clusterRevision, findObject, hashOf, objectsOf } from '../../../../src/targets/kubernetes/helm/manifest.ts'
import { templateSchema, workloadSchema } from '../../../../src/targets/kubernetes/objects/objects.ts'
import type { Revision } from '../../../../src/targets/kubernetes/objects/revision.ts'

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
      containers: [{name: web, image: "web:1", env: [{name: A, value: "1"}], ports: [{containerPort: 8080}]}]
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

it('clusterRevision finds the revision with the same images, and compares the rest if several have them', async () => {
  const objects = await objectsOf(manifest, 'shop', createMask())
  const address = { kind: 'deployment', namespace: 'other', name: 'web' } as const
  expect(findObject(objects, address)?.template).toBeDefined()
  const revision = (name: string, image: string, value: string): Revision => ({
    name,
    uid: name,
    number: 1,
    hash: name,
    image,
    template: templateSchema.parse({
      metadata: { labels: { app: 'web' } },
      spec: {
        restartPolicy: 'Always',
        containers: [
          { name: 'web', image, env: [{ name: 'A', value }], ports: [{ containerPort: 8080, protocol: 'TCP' }] }
        ]
      }
    })
  })
  const found = (...revisions: Revision[]): string | undefined =>
    clusterRevision(
      {
        address,
        object: workloadSchema.parse({ metadata: { name: 'web' }, spec: {} }),
        hash: '',
        revisions,
        current: null,
        pods: null,
        readAt: 0
      },
      { objects }
    )?.name
  expect(found(revision('one', 'web:1', '1'), revision('two', 'web:2', '1'))).toBe('one')
  expect(found(revision('one', 'web:1', '1'), revision('two', 'web:1', '2'))).toBe('one')
  expect(found(revision('one', 'web:1', '1'), revision('two', 'web:1', '1'))).toBeUndefined()
  expect(found(revision('two', 'web:2', '1'))).toBeUndefined()
})
