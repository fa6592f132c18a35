import { expect, it } from 'vitest'
import { commonOwner, helmOwner } from '../../../../src/targets/kubernetes/helm/owner.ts'
import { workloadSchema } from '../../../../src/targets/kubernetes/objects/objects.ts'
import type { Workload } from '../../../../src/targets/kubernetes/objects/workload.ts'

const owned = (release?: string, manager = 'Helm'): Workload => ({
  address: { kind: 'deployment', namespace: 'shop', name: 'web' },
  object: workloadSchema.parse({
    metadata: {
      name: 'web',
      labels: { 'app.kubernetes.io/managed-by': manager },
      annotations: release === undefined ? {} : { 'meta.helm.sh/release-name': release }
    },
    spec: {}
  }),
  hash: '',
  revisions: [],
  current: null,
  pods: [],
  readAt: 0
})

it("helmOwner requires both of Helm's marks, and a name that Helm allows", () => {
  expect(helmOwner(owned('shop'))).toEqual({ name: 'shop', namespace: 'shop' })
  expect(helmOwner(owned('shop', 'another-tool'))).toBeNull()
  expect(helmOwner(owned('--kubeconfig=/tmp/x'))).toBeNull()
  expect(helmOwner(owned('a'.repeat(54)))).toBeNull()
  expect(helmOwner(owned())).toBeNull()
})

it('commonOwner is the one release that all workloads belong to', () => {
  expect(commonOwner([owned('shop'), owned('shop')])).toEqual({ name: 'shop', namespace: 'shop' })
  expect(commonOwner([owned('shop'), owned('other')])).toBeNull()
  expect(commonOwner([owned('shop'), owned()])).toBeNull()
  expect(commonOwner([owned(), owned('shop')])).toBeNull()
  expect(commonOwner([])).toBeNull()
})
