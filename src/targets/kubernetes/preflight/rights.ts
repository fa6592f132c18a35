import { z } from 'zod'
import type { JsonObject } from '../../../model/json.ts'
import type { Blocker, Risk } from '../../../model/observation.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import type { Move } from '../objects/move.ts'
import { type Address, resources, revisionsOf } from '../objects/names.ts'
import type { Findings } from './findings.ts'
import { grantedRules, isGrantedBy } from './granted-rules.ts'
import type { Right } from './right.ts'

const answerSchema = z.looseObject({ status: z.looseObject({ allowed: z.boolean() }) })

interface Rights extends Findings {
  /** Whether failed revisions may be marked. */
  mayMark: boolean
}

/** Asks the API server for every right that the steps need. */
export async function checkRights(
  cluster: KubernetesContext,
  moves: readonly Move[],
  deletesPods: boolean,
  signal: AbortSignal,
  others: readonly Right[] = []
): Promise<Rights> {
  const needed = unique([...moves.flatMap((move) => neededFor(move, deletesPods)), ...others])
  const forLease = unique(moves.flatMap(({ namespace }) => leaseVerbs.map((verb) => onLeases(namespace, verb))))
  const forMark = unique(
    moves.map(({ namespace, kind, from }) => ({
      namespace,
      group: 'apps',
      resource: revisionsOf(kind),
      verb: 'patch',
      names: [from.revision]
    }))
  )
  const forReading = unique(
    moves.flatMap(({ namespace }) => optionalReads.map((one) => ({ ...one, namespace, verb: 'list' })))
  )
  const denied = new Set(await denials(cluster, [...needed, ...forLease, ...forMark, ...forReading], signal))
  const mayMark = !forMark.some((right) => denied.has(right))
  return {
    blockers: needed.filter((right) => denied.has(right)).map((right) => missingRight(cluster, right)),
    risks: noLease(forLease.filter((right) => denied.has(right))),
    mayMark,
    notes: [
      ...(mayMark ? [] : ['These rights do not allow marking the failed revision as rolled back from.']),
      ...forReading.filter((right) => denied.has(right)).map(unreadNote)
    ]
  }
}

/** Each of some rights that this identity does not have, once. */
export const deniedOf = (cluster: KubernetesContext, rights: readonly Right[], signal: AbortSignal): Promise<Right[]> =>
  denials(cluster, unique(rights), signal)

/** What no listed rule grants is asked for right by right. */
async function denials(cluster: KubernetesContext, rights: readonly Right[], signal: AbortSignal): Promise<Right[]> {
  const namespaces = [...new Set(rights.map(({ namespace }) => namespace))].filter(Boolean)
  const listed = new Map(
    await inParallel(
      namespaces,
      12,
      async (namespace) => [namespace, await grantedRules(cluster, namespace, signal)] as const
    )
  )
  const allowed = await inParallel(
    rights,
    12,
    async (right) => isGrantedBy(listed.get(right.namespace) ?? [], right) || (await isAllowed(cluster, right, signal))
  )
  return rights.filter((_, index) => !allowed[index])
}

/** What is read if that is allowed. */
const optionalReads = [
  { group: '', resource: 'services' },
  { group: 'autoscaling', resource: 'horizontalpodautoscalers' },
  { group: 'policy', resource: 'poddisruptionbudgets' }
]

const unreadNote = ({ resource, namespace }: Right): string =>
  `These rights do not allow reading ${resource} in ${namespace}, so ${resource === 'services' ? 'whether traffic reaches the pods is not checked' : 'they are not checked'}.`

const leaseVerbs = ['get', 'list', 'create', 'update', 'delete']

const onLeases = (namespace: string, verb: string): Right => ({
  namespace,
  group: 'coordination.k8s.io',
  resource: 'leases',
  verb
})

/** To follow a workload and to put another template into it. */
export const toChange = ({ kind, namespace, name }: Address): Right[] =>
  ['get', 'list', 'watch', 'patch'].map((verb) => ({
    namespace,
    group: resources[kind].group,
    resource: resources[kind].plural,
    verb,
    names: [name]
  }))

const neededFor = ({ from, to, ...address }: Move, deletesPods: boolean): Right[] => [
  ...toChange(address),
  {
    namespace: address.namespace,
    group: 'apps',
    resource: revisionsOf(address.kind),
    verb: 'get',
    names: [from.revision, to.revision]
  },
  ...['list', 'watch', ...(deletesPods && address.kind !== 'deployment' ? ['get', 'delete'] : [])].map((verb) => ({
    namespace: address.namespace,
    group: '',
    resource: 'pods',
    verb
  }))
]

const resourceOf = ({ resource, subresource }: Right): string => (subresource ? `${resource}/${subresource}` : resource)

export const rightText = (right: Right): string =>
  `${right.verb} ${resourceOf(right)}${right.namespace && ` in ${right.namespace}`}`

/** Each right once, on all the objects that need it. */
function unique(rights: readonly Right[]): Right[] {
  const found = new Map<string, Right>()
  for (const right of rights) {
    const before = found.get(rightText(right))
    const names = before ? before.names && right.names && [...before.names, ...right.names] : right.names
    found.set(rightText(right), { ...right, names })
  }
  return [...found.values()]
}

/** The right on every object of the kind, or on each one that needs it. */
async function isAllowed(
  cluster: KubernetesContext,
  { names, ...right }: Right,
  signal: AbortSignal
): Promise<boolean> {
  if (await isGranted(cluster, right, signal)) return true
  if (!names || names.length === 0) return false
  const each = await inParallel(names, 12, (name) => isGranted(cluster, { ...right, name }, signal))
  return each.every(Boolean)
}

async function isGranted({ api }: KubernetesContext, attributes: JsonObject, signal: AbortSignal): Promise<boolean> {
  const answer = await api.send(
    {
      doing: 'Asking for rights',
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: attributes }
      },
      signal
    },
    answerSchema
  )
  return answer.status.allowed
}

export const missingRight = ({ kubectl }: KubernetesContext, right: Right): Blocker => ({
  id: `forbidden:${right.verb}:${resourceOf(right)}:${right.namespace}`,
  what: `The right to ${rightText(right)} is missing`,
  why: 'the API server denies it to this identity (SelfSubjectAccessReview)',
  next: `Use another identity, or have it granted. To check it: "${kubectl}${right.namespace && ` -n ${right.namespace}`} auth can-i ${right.verb} ${right.resource}${right.subresource ? ` --subresource=${right.subresource}` : ''}".`
})

function noLease(missingRights: readonly Right[]): Risk[] {
  if (missingRights.length === 0) return []
  const namespaces = [...new Set(missingRights.map(({ namespace }) => namespace))]
  return [
    {
      id: 'no_lease',
      serious: false,
      title: 'Someone on another machine could roll back at the same time',
      detail: `These rights do not allow a lease in ${namespaces.join(', ')} (${leaseVerbs.join(', ')} leases), so only this machine's own lock applies.`
    }
  ]
}
