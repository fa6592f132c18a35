import { z } from 'zod'
import type { KubernetesContext } from '../context.ts'
import type { Right } from './right.ts'

const names = z.array(z.string()).nullish()
const ruleSchema = z.looseObject({ verbs: names, apiGroups: names, resources: names, resourceNames: names })
type Rule = z.infer<typeof ruleSchema>

const answerSchema = z.looseObject({
  status: z.looseObject({ resourceRules: z.array(ruleSchema).nullish(), incomplete: z.boolean() })
})

/**
 * The rules that grant this identity something in a namespace, by one SelfSubjectRulesReview; none where the server says that its list
 * is incomplete: then an authorizer that cannot list its rules may also deny what another one grants.
 */
export async function grantedRules(
  { api }: KubernetesContext,
  namespace: string,
  signal: AbortSignal
): Promise<readonly Rule[]> {
  const request = {
    doing: 'Asking for rights',
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } },
    signal
  } as const
  // Asking for each right alone is exact, so what fails here is no failure.
  const status = await api.send(request, answerSchema).then(
    (answer) => answer.status,
    () => null
  )
  signal.throwIfAborted()
  return status && !status.incomplete ? (status.resourceRules ?? []) : []
}

/** Whether a rule grants a right on every object that needs it (kubernetes, pkg/apis/rbac/v1/evaluation_helpers.go). */
export function isGrantedBy(rules: readonly Rule[], right: Right): boolean {
  const granting = rules.filter((rule) => covers(rule, right))
  if (granting.some(({ resourceNames }) => !resourceNames?.length)) return true
  const { names: needed = [] } = right
  return needed.length > 0 && needed.every((name) => granting.some((rule) => rule.resourceNames?.includes(name)))
}

function covers({ verbs, apiGroups, resources }: Rule, { verb, group, resource, subresource }: Right): boolean {
  const has = (list: Rule['verbs'], ...wanted: string[]): boolean =>
    list?.some((one) => one === '*' || wanted.includes(one)) ?? false
  const exact = subresource ? [`${resource}/${subresource}`, `*/${subresource}`] : [resource]
  return has(verbs, verb) && has(apiGroups, group) && has(resources, ...exact)
}
