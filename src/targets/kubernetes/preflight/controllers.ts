import { z } from 'zod'
import type { Blocker, Risk } from '../../../model/observation.ts'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { type HelmName, helmOwner } from '../helm/owner.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { type Address, addressText, shortText } from '../objects/names.ts'
import { metadataList, metadataSchema, metaOnlySchema, selectorSchema } from '../objects/objects.ts'
import { namespacesOf, type Workload } from '../objects/workload.ts'

/** Controllers that created a workload, by its owner references. */
export const ownerRisks = (workloads: readonly Workload[]): Risk[] =>
  workloads.flatMap(({ address, object }) => {
    const owner = object.metadata.ownerReferences?.find(({ controller }) => controller)
    if (!owner) return []
    return [
      {
        id: `owner:${owner.kind.toLowerCase()}/${owner.name}`,
        serious: true,
        title: `${owner.kind} ${owner.name} created ${shortText(address)} and may undo the rollback`,
        detail: `A controller manages it. Change the version in the ${owner.kind} as well.`
      }
    ]
  })

/** Workloads of a Helm release that cannot go back by Helm; `why` says what stops it. */
export async function helmBlockers(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  why: string,
  signal: AbortSignal
): Promise<Blocker[]> {
  if (!why) return []
  const found = await inParallel(changes, 12, async (change) => {
    const release = helmOwner(change.workload)
    return release ? [await helmBlocker(cluster, release, change, why, signal)] : []
  })
  return found.flat()
}

async function helmBlocker(
  { api, helm }: KubernetesContext,
  { name: release, namespace }: HelmName,
  { workload, revision: candidate }: WorkloadChange,
  why: string,
  signal: AbortSignal
): Promise<Blocker> {
  // Helm's record of a revision is a Secret, of which only the labels are read (helm.sh, "Storage backends").
  const request = {
    doing: `Reading the history of the Helm release ${release}`,
    path: `/api/v1/namespaces/${namespace}/secrets`,
    query: { labelSelector: `owner=helm,name=${release}` },
    accept: metadataList,
    signal
  }
  const { items } = await api.list(request, metaOnlySchema).catch(orOn({ items: [] }, 400, 403))
  // Helm writes a revision's record before it changes the objects, so the newest record before a ReplicaSet is its cause.
  const latest = Date.parse(candidate.createdAt ?? '') + 1000
  const revision = items
    .filter(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '') <= latest)
    .map(({ metadata }) => Number(metadata.labels?.version))
    .filter(Number.isInteger)
    .sort((a, b) => a - b)
    .at(-1)
  const command = helm.command({ name: release, namespace }, revision ?? 'REVISION')
  return {
    id: `helm:${release}`,
    what: `${addressText(workload.address)} belongs to the Helm release ${release}`,
    why: `it must go back by Helm, or Helm's record no longer matches what serves; ${why}`,
    next: revision
      ? `Run "${command}".`
      : `Find the revision with "helm history ${release} -n ${namespace}", then run "${command}".`
  }
}

const scalerSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({ scaleTargetRef: z.looseObject({ kind: z.string(), name: z.string() }) }),
  status: z.looseObject({ desiredReplicas: z.number().nullish() }).nullish()
})

/** An autoscaler of a workload. */
export interface Autoscaler {
  name: string
  address: Address
  /** How many replicas it wants by its last calculation; 0 if it has made none. */
  wants: number
}

/** The autoscalers of some workloads, as far as they may be read. */
export async function findAutoscalers(
  { api }: KubernetesContext,
  workloads: readonly Pick<Workload, 'address'>[],
  signal: AbortSignal
): Promise<Autoscaler[]> {
  const lists = await Promise.all(
    namespacesOf(workloads.map(({ address }) => address)).map(async (namespace) => {
      const path = `/apis/autoscaling/v1/namespaces/${namespace}/horizontalpodautoscalers`
      const request = { doing: 'Reading autoscalers', path, signal }
      const { items } = await api.list(request, scalerSchema).catch(orOn({ items: [] }, 403, 404))
      return items.map((item) => ({ namespace, item }))
    })
  )
  return lists.flat().flatMap(({ namespace, item }) => {
    const { kind, name } = item.spec.scaleTargetRef
    const target = workloads.find(
      ({ address }) => address.namespace === namespace && address.name === name && address.kind === kind.toLowerCase()
    )
    const wants = item.status?.desiredReplicas ?? 0
    return target ? [{ name: item.metadata.name, address: target.address, wants }] : []
  })
}

/** Autoscalers own the number of replicas, not the template, so each one is named. */
export const autoscalers = async (
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  signal: AbortSignal
): Promise<Risk[]> =>
  (await findAutoscalers(cluster, workloads, signal)).map(({ name, address }) => ({
    id: `hpa:${name}`,
    serious: false,
    title: `The autoscaler ${name} sets the replicas of ${shortText(address)}`,
    detail: 'The rollback does not change the number of replicas.'
  }))

const budgetSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({ selector: selectorSchema.nullish() }).default({})
})

/** Disruption budgets apply to evictions, not to rollouts, so each one is named. */
export async function disruptionBudgets(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  signal: AbortSignal
): Promise<Risk[]> {
  const namespaces = namespacesOf(workloads.map(({ address }) => address))
  const found = await Promise.all(namespaces.map((namespace) => budgetsIn(cluster, namespace, signal)))
  return found.flat().flatMap(({ metadata, spec }) => {
    const wanted = Object.entries(spec.selector?.matchLabels ?? {})
    const target = workloads.find(({ address, object }) => {
      const labels = object.spec.template.metadata?.labels ?? {}
      return address.namespace === metadata.namespace && wanted.every(([key, value]) => labels[key] === value)
    })
    if (!target || wanted.length === 0) return []
    return [
      {
        id: `pdb:${metadata.name}`,
        serious: false,
        title: `The disruption budget ${metadata.name} covers ${shortText(target.address)}`,
        detail: 'It limits evictions. It limits neither a rollout nor the deletion of a stuck pod.'
      }
    ]
  })
}

/** None where they may not be read. policy/v1 from Kubernetes 1.21 on, v1beta1 before. */
export async function budgetsIn({ api }: KubernetesContext, namespace: string, signal: AbortSignal) {
  for (const version of ['v1', 'v1beta1']) {
    const path = `/apis/policy/${version}/namespaces/${namespace}/poddisruptionbudgets`
    const request = { doing: 'Reading disruption budgets', path, signal }
    const found = await api.list(request, budgetSchema).catch(orOn(null, 403, 404))
    if (found) return found.items
  }
  return []
}
