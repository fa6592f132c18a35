import { describe, expect, it } from 'vitest'
import { workloadSchema } from '../../../../src/targets/kubernetes/objects/objects.ts'
import { patchFor } from '../../../../src/targets/kubernetes/objects/patch.ts'
import { workload } from '../../../../testkit/kubernetes/cluster.ts'

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

describe('the patch that restores a template', () => {
  const now = (annotations: Record<string, string>) => {
    const object = workload({ image: 'web:2', annotations })
    return workloadSchema.parse({ ...object, metadata: { ...(object.metadata as object), uid: 'u', generation: 7 } })
  }
  const { template } = workloadSchema.parse(workload({ image: 'web:1' })).spec

  it('requires the object and the generation that were read', () => {
    expect(patchFor(now({}), { template }).slice(0, 3)).toMatchObject([
      { op: 'test', path: '/metadata/uid', value: 'u' },
      { op: 'test', path: '/metadata/generation', value: 7 },
      { op: 'replace', path: '/spec/template', value: { spec: { containers: [{ image: 'web:1' }] } } }
    ])
  })

  it('changes the last-applied configuration and the change cause, and no other annotation', () => {
    const applied = JSON.stringify({
      kind: 'Deployment',
      spec: { replicas: 2, template: { spec: { containers: [] } } }
    })
    const live = now({ [lastApplied]: applied, 'kubernetes.io/change-cause': 'two', mine: 'stays' })
    const changes = patchFor(live, { template, changeCause: 'one' }).slice(3)
    expect(changes).toHaveLength(2)
    const written = changes.find(({ path }) => String(path).includes('last-applied'))
    expect(written?.path).toBe('/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration')
    expect(JSON.parse(String(written?.value))).toMatchObject({
      spec: { replicas: 2, template: { spec: { containers: [{ image: 'web:1' }] } } }
    })
    expect(changes).toContainEqual({
      op: 'add',
      path: '/metadata/annotations/kubernetes.io~1change-cause',
      value: 'one'
    })
  })

  it('pauses or resumes only on request', () => {
    expect(JSON.stringify(patchFor(now({}), { template }))).not.toContain('paused')
    expect(patchFor(now({}), { template, paused: true }).at(-1)).toEqual({
      op: 'add',
      path: '/spec/paused',
      value: true
    })
  })
})
