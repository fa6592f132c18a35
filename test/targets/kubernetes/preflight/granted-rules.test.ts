import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { isGrantedBy } from '../../../../src/targets/kubernetes/preflight/granted-rules.ts'
import { deniedOf } from '../../../../src/targets/kubernetes/preflight/rights.ts'
import { fakeCluster } from '../fake-cluster.ts'

const signal = AbortSignal.timeout(10_000)
const patch = { namespace: 'shop', group: 'apps', resource: 'deployments', verb: 'patch' }
const rule = (more: JsonObject = {}) => ({ verbs: ['patch'], apiGroups: ['apps'], resources: ['deployments'], ...more })
const named = (...resourceNames: string[]) => rule({ resourceNames })

test.each([
  ['it names all of it', [rule()], patch, true],
  ['it has wildcards', [rule({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] })], patch, true],
  ['its verb differs', [rule({ verbs: ['get'] })], patch, false],
  ['its group differs', [rule({ apiGroups: ['extensions'] })], patch, false],
  ['it is for a subresource alone', [rule({ resources: ['deployments/status'] })], patch, false],
  ['the subresource is named', [rule({ resources: ['*/status'] })], { ...patch, subresource: 'status' }, true],
  ['a resource is no grant for its subresource', [rule()], { ...patch, subresource: 'status' }, false],
  ['it is for some objects and all are needed', [named('web')], patch, false],
  ['it is for the needed objects', [named('web'), named('api')], { ...patch, names: ['web', 'api'] }, true],
  ['one of the needed objects is missing', [named('web')], { ...patch, names: ['web', 'api'] }, false],
  ['no object is needed', [named('web')], { ...patch, names: [] }, false]
])('a rule grants a right as the API server says: %s', (_name, rules, right, granted) => {
  expect(isGrantedBy(rules, right)).toBe(granted)
})

test.each<[string, JsonObject, number]>([
  ['what is listed is not asked for again', { resourceRules: [rule()], incomplete: false }, 1],
  ['an incomplete list proves nothing', { resourceRules: [rule()], incomplete: true }, 2],
  ['what is not listed is asked for', { resourceRules: [], incomplete: false }, 2]
])('%s', async (_name, status, asked) => {
  const cluster = fakeCluster()
  const path = '/apis/authorization.k8s.io/v1'
  cluster.objects.set(`${path}/selfsubjectrulesreviews`, { status })
  cluster.objects.set(`${path}/selfsubjectaccessreviews`, { status: { allowed: asked === 1 } })
  expect(await deniedOf(cluster.context, [patch], signal)).toEqual(asked === 1 ? [] : [patch])
  expect(cluster.acts).toHaveLength(asked)
})
