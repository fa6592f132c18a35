import { expect, it } from 'vitest'
import { TargetError } from '../../../../src/support/errors.ts'
import { advised, clearedBy } from '../../../../src/targets/kubernetes/helm/advice.ts'

const subject = { name: 'one', namespace: 'shop', kind: 'ConfigMap' }

it.each([
  [
    { ...subject, kind: 'Job', group: 'batch' },
    'Save it and delete it: "kubectl -n shop get job one -o yaml > one.yaml && kubectl -n shop delete job one". Helm then creates it, so it runs again.'
  ],
  [
    { ...subject, kind: 'Certificate', group: 'cert-manager.io' },
    'Save it and delete it: "kubectl -n shop get certificate.cert-manager.io one -o yaml > one.yaml && kubectl -n shop delete certificate.cert-manager.io one". Helm then creates it as revision 1 has it.'
  ],
  [
    { ...subject, kind: 'ClusterRole', group: 'rbac.authorization.k8s.io', namespace: '' },
    'Save it and delete it: "kubectl get clusterrole.rbac.authorization.k8s.io one -o yaml > one.yaml && kubectl delete clusterrole.rbac.authorization.k8s.io one". Helm then creates it as revision 1 has it.'
  ],
  [
    { ...subject, kind: 'PersistentVolumeClaim' },
    'Choose another version, or deploy that version again with "helm upgrade": deleting PersistentVolumeClaim/one would lose what it holds.'
  ]
])('clearedBy says what to do about %o', (object, expected) => {
  expect(clearedBy('kubectl', object, 1)).toBe(expected)
})

it.each([
  [
    "cannot patch 'one' with kind Job: Job.batch 'one' is invalid: spec.template: … field is immutable",
    /delete job one/
  ],
  ["no ConfigMap with the name 'one' found", /delete configmap one/],
  ["cannot patch 'one' with kind Service: the server is away", /^Assess again$/]
])('advised after "%s" does not tell to try the same again', (why, expected) => {
  const error = new TargetError({ what: 'Rolling back failed', why, next: 'Assess again', code: 'helm_failed' })
  expect(advised(error, 'kubectl', { name: 'shop', namespace: 'shop' }, 1)).toMatchObject({
    why,
    code: 'helm_failed',
    next: expect.stringMatching(expected)
  })
})
