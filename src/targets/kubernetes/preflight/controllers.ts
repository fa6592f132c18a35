import { z } from 'zod'
import type { Blocker, Risk } from '../../../model/observation.ts'
import { isStatus } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import { type HelmName, helmOwner } from '../helm/helm-state.ts'
import { addressText, shortText } from '../objects/names.ts'
import { metadataSchema, selectorSchema } from '../objects/objects.ts'
import type { Revision } from '../objects/revision.ts'
import type { Workload } from '../workloads/read.ts'

export interface Hands {
  risks: Risk[]
  blockers: Blocker[]
}

/** Who else has a hand on a workload, beside what git owns, by the marks that they leave on it; `withoutHelm` says why Helm cannot be used, if so. */
export async function otherHands(
  cluster: KubernetesContext,
  workload: Workload,
  candidate: Revision | undefined,
  signal: AbortSignal,
  withoutHelm: string
): Promise<Hands> {
  const { address, object } = workload
  const { ownerReferences } = object.metadata
  const found: Hands = { risks: [], blockers: [] }
  const name = shortText(address)
  const owner = ownerReferences?.find(({ controller }) => controller)
  if (owner)
    found.risks.push({
      id: `owner:${owner.kind.toLowerCase()}/${owner.name}`,
      serious: true,
      title: `${owner.kind} ${owner.name} made ${name} and may undo the rollback`,
      detail: `A controller looks after it. Change the version in the ${owner.kind} as well.`
    })
  const release = helmOwner(workload)
  if (release && withoutHelm)
    found.blockers.push(await helmBlocker(cluster, release, candidate, addressText(address), withoutHelm, signal))
  return found
}

/** A release's own record of a revision: a Secret, of which only the labels are read (helm.sh, "Storage backends"). */
const releaseRecord = z.looseObject({ metadata: metadataSchema })

async function helmBlocker(
  { api, helm }: KubernetesContext,
  { name: release, namespace }: HelmName,
  candidate: Revision | undefined,
  workload: string,
  why: string,
  signal: AbortSignal
): Promise<Blocker> {
  const records = await api
    .list(
      {
        doing: `Reading the history of Helm's release ${release}`,
        path: `/api/v1/namespaces/${namespace}/secrets`,
        query: { labelSelector: `owner=helm,name=${release}` },
        accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
        signal
      },
      releaseRecord
    )
    .catch((error: unknown) => {
      if (isStatus(error, 400, 403)) return { items: [] }
      throw error
    })
  // Helm writes a revision's record before it changes the objects, so the newest record before a ReplicaSet is its cause.
  const latest = Date.parse(candidate?.createdAt ?? '') + 1000
  const revision = records.items
    .filter(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '') <= latest)
    .map(({ metadata }) => Number(metadata.labels?.version))
    .filter(Number.isInteger)
    .sort((a, b) => a - b)
    .at(-1)
  const command = helm.command({ name: release, namespace }, revision ?? 'REVISION')
  return {
    id: `helm:${release}`,
    what: `${workload} belongs to Helm's release ${release}`,
    why: `its rollback must go through Helm, or Helm no longer knows what serves; ${why}`,
    next: revision
      ? `Run "${command}".`
      : `Find the revision with "helm history ${release} -n ${namespace}", then run "${command}".`
  }
}

const scalerSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({ scaleTargetRef: z.looseObject({ kind: z.string(), name: z.string() }) })
})

/** Autoscalers leave the template alone; that replicas are theirs is said. */
export async function autoscalers(
  { api }: KubernetesContext,
  workloads: readonly Workload[],
  signal: AbortSignal
): Promise<Risk[]> {
  const namespaces = [...new Set(workloads.map(({ address }) => address.namespace))]
  const lists = await Promise.all(
    namespaces.map(async (namespace) => {
      const path = `/apis/autoscaling/v1/namespaces/${namespace}/horizontalpodautoscalers`
      return api.list({ doing: 'Reading autoscalers', path, signal }, scalerSchema).then(
        ({ items }) => items.map((item) => ({ namespace, item })),
        (error: unknown) => {
          if (isStatus(error, 403, 404)) return []
          throw error
        }
      )
    })
  )
  return lists.flat().flatMap(({ namespace, item }) => {
    const { kind, name } = item.spec.scaleTargetRef
    const target = workloads.find(
      ({ address }) => address.namespace === namespace && address.name === name && address.kind === kind.toLowerCase()
    )
    if (!target) return []
    return [
      {
        id: `hpa:${item.metadata.name}`,
        serious: false,
        title: `The autoscaler ${item.metadata.name} sets the replicas of ${shortText(target.address)}`,
        detail: 'The rollback leaves the number of replicas to it.'
      }
    ]
  })
}

const budgetSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({ selector: selectorSchema.nullish() }).default({})
})

/** Disruption budgets hold for evictions, not for rollouts; that one is there is said. */
export async function disruptionBudgets(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  signal: AbortSignal
): Promise<Risk[]> {
  const namespaces = [...new Set(workloads.map(({ address }) => address.namespace))]
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
        detail: 'It limits evictions. A rollout does not ask it, and neither does the deletion of a stuck pod.'
      }
    ]
  })
}

/** policy/v1 from Kubernetes 1.21 on, v1beta1 before. */
async function budgetsIn({ api }: KubernetesContext, namespace: string, signal: AbortSignal) {
  for (const version of ['v1', 'v1beta1'])
    try {
      const path = `/apis/policy/${version}/namespaces/${namespace}/poddisruptionbudgets`
      return (await api.list({ doing: 'Reading disruption budgets', path, signal }, budgetSchema)).items
    } catch (error) {
      if (!isStatus(error, 403, 404)) throw error
    }
  return []
}
