import { z } from 'zod'
import { orOn } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import type { Move, WorkloadChange } from '../objects/move.ts'
import { metadataSchema, type Pod, part, type WorkloadObject } from '../objects/objects.ts'
import { isBestEffort, type PodSpec, podSpecSchema, quantity, quantityText, sizeOf } from '../objects/pod-size.ts'
import { isFinished, isOf, isUnready } from '../objects/pods.ts'
import { namespacesOf } from '../objects/workload.ts'
import { rolloutOf } from '../workloads/health.ts'
import { type Findings, joined } from './findings.ts'
import type { PodDryRun, PodDryRuns } from './pod-dry-run.ts'

const amounts = z.record(z.string(), z.string()).nullish()
const scopeSchema = z.looseObject({
  scopeName: z.string(),
  operator: z.string(),
  values: z.array(z.string()).nullish()
})
const quotaSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z
    .looseObject({
      scopes: z.array(z.string()).nullish(),
      scopeSelector: part({ matchExpressions: z.array(scopeSchema).nullish() })
    })
    .default({}),
  status: z.looseObject({ hard: amounts, used: amounts }).default({})
})
type Quota = z.infer<typeof quotaSchema>

/** One workload's change, in pods. */
interface Demand extends Omit<Surge, 'leaving'> {
  change: WorkloadChange
  dryRun: PodDryRun
  /** Pods of other revisions that stop. */
  leaving: PodSpec[]
}

/** Whether the quotas of the namespaces leave room for the pods that the rollback creates. */
export async function examineQuotas(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  dryRuns: Promise<PodDryRuns>,
  signal: AbortSignal
): Promise<Findings> {
  const namespaces = namespacesOf(changes.map(({ move }) => move))
  const each = namespaces.map((namespace) => {
    const own = changes.filter(({ move }) => move.namespace === namespace)
    return examineOne(cluster, namespace, own, dryRuns, signal)
  })
  return joined((await Promise.all(each)).flat())
}

async function examineOne(
  cluster: KubernetesContext,
  namespace: string,
  changes: readonly WorkloadChange[],
  dryRuns: Promise<PodDryRuns>,
  signal: AbortSignal
): Promise<Partial<Findings>[]> {
  const path = `/api/v1/namespaces/${namespace}/resourcequotas`
  const request = { doing: `Reading the resourcequotas in ${namespace}`, path, signal }
  const [quotas, tried] = await Promise.all([
    cluster.api.list(request, quotaSchema).then(({ items }) => items, orOn(null, 403)),
    dryRuns
  ])
  if (!quotas) return [unreadable(namespace)]
  // Without the right to read pods, the rights check blocks the rollback already.
  const demands = changes.flatMap((change) => {
    const dryRun = tried.get(change)
    return change.workload.pods && dryRun ? [demandOf(change, dryRun)] : []
  })
  return quotas.flatMap((quota) => quotaFindings(`${namespace}/${quota.metadata.name}`, quota, demands))
}

const unreadable = (namespace: string): Partial<Findings> => ({
  risks: [
    {
      id: `quota_unseen:${namespace}:resourcequotas`,
      serious: false,
      title: `Whether the quotas of ${namespace} leave room is unknown`,
      detail: 'These rights do not allow reading resourcequotas.'
    }
  ]
})

function demandOf(change: WorkloadChange, dryRun: PodDryRun): Demand {
  const { object, pods } = change.workload
  const living = (pods ?? []).filter((pod) => !isFinished(pod))
  const { leaving, ...surge } = surgeOf(object, change.move, rolloutOf(object).wanted, living)
  return { change, dryRun, leaving: leaving.map(({ spec }) => podSpecSchema.parse(spec)), ...surge }
}

/** Amounts are sums of fractions (300m of a core), which are not exact. */
const roundingError = 1e-9

/** One quota against the pods of all workloads that go back at the same time. */
const quotaFindings = (name: string, quota: Quota, demands: readonly Demand[]): Partial<Findings>[] =>
  Object.entries(quota.status.hard ?? {}).map(([resource, text]): Partial<Findings> => {
    const hard = quantity(text)
    if (hard === null) return {}
    const id = `quota:${name}:${resource}`
    const used = quantity(quota.status.used?.[resource] ?? '0') ?? 0
    const each = demands.map((demand) => needOf(demand, quota, resource))
    const grows = sum(each.map(({ coming, leaving }) => coming - leaving))
    const atOnce = sum(each.map(({ surge }) => surge))
    const free = hard - used + roundingError
    const amount = (value: number): string => quantityText(value, resource)
    const numbers = (needed: number): string =>
      `${resource}: ${amount(hard)} hard, ${amount(used)} used, ${amount(needed)} more needed`
    const noRoom = (why: string): Partial<Findings> => {
      const what = `The quota ${name} has no room for the pods of the rollback`
      return { blockers: [{ id, what, why, next: 'Raise the quota, or scale something down, then assess again.' }] }
    }
    if (grows > 0 && grows > free) return noRoom(`${numbers(grows)} once every old pod is gone`)
    // A workload that may stop pods first makes room for itself alone.
    if (each.some(({ surge, one, mayLeaveFirst }) => surge > 0 && one > free && !mayLeaveFirst))
      return noRoom(`${numbers(atOnce)}, and no old pod may stop before a new one is available (maxUnavailable)`)
    if (atOnce <= free) return {}
    const title = `The quota ${name} has no room for all pods that the rollout starts first`
    const detail = `${numbers(atOnce)}. Old pods stop first, so it takes longer and fewer pods serve meanwhile.`
    return { risks: [{ id, serious: false, title, detail }] }
  })

function needOf({ dryRun, leaving, coming, surge, mayLeaveFirst }: Demand, quota: Quota, resource: string) {
  const counts = (spec: PodSpec): number => (isIn(quota, spec) ? (sizeOf(spec)[resource] ?? 0) : 0)
  const one = dryRun.requested[resource] ?? counts(dryRun.spec)
  return { coming: coming * one, surge: surge * one, leaving: sum(leaving.map(counts)), one, mayLeaveFirst }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

/** Whether a quota counts such a pod, by its scopes (kubernetes.io, "Resource Quotas"); pods of workloads never terminate on their own. */
function isIn({ spec }: Quota, pod: PodSpec): boolean {
  const named = (spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists', values: null }))
  return [...named, ...(spec.scopeSelector?.matchExpressions ?? [])].every(({ scopeName, operator, values }) => {
    if (scopeName === 'Terminating') return false
    if (scopeName === 'BestEffort') return isBestEffort(pod)
    if (scopeName === 'NotBestEffort') return !isBestEffort(pod)
    if (scopeName !== 'PriorityClass') return true
    const within = (values ?? []).includes(pod.priorityClassName ?? '')
    if (operator === 'Exists') return Boolean(pod.priorityClassName)
    if (operator === 'DoesNotExist') return !pod.priorityClassName
    return operator === 'In' ? within : !within
  })
}

const share = z.union([z.number(), z.string()]).nullish()
const rollingSchema = z.looseObject({ maxSurge: share, maxUnavailable: share }).nullish().catch(null)

interface Surge {
  leaving: Pod[]
  /** How many pods start in all. */
  coming: number
  /** How many of them start before any other stops. */
  surge: number
  /** Whether old pods may stop before new ones are available. */
  mayLeaveFirst: boolean
}

/** How a workload replaces its pods, in numbers (kubernetes.io, "Deployments": max surge rounds up, max unavailable down, never both 0). */
export function surgeOf({ spec }: WorkloadObject, move: Move, wanted: number, pods: readonly Pod[]): Surge {
  const ending = pods.filter(({ metadata }) => metadata.deletionTimestamp)
  const living = pods.filter((pod) => !ending.includes(pod))
  const staying = living.filter((pod) => isOf(pod, move))
  const leaving = pods.filter((pod) => !staying.includes(pod))
  const coming = Math.max(0, wanted - staying.length)
  if (move.kind !== 'deployment' || spec.strategy?.type === 'Recreate')
    return { leaving, coming, surge: 0, mayLeaveFirst: true }
  const rolling = rollingSchema.parse(spec.strategy?.rollingUpdate)
  const most = portion(rolling?.maxSurge ?? '25%', wanted, Math.ceil)
  const least = portion(rolling?.maxUnavailable ?? '25%', wanted, Math.floor)
  const unavailable = most === 0 && least === 0 ? 1 : least
  const surge = Math.min(coming, Math.max(0, wanted + most - living.length))
  const spare = living.length - (wanted - unavailable) - staying.filter(isUnready).length
  return { leaving, coming, surge, mayLeaveFirst: ending.length > 0 || (leaving.length > 0 && spare > 0) }
}

function portion(value: number | string, of: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value
  return value.endsWith('%') ? round((Number.parseFloat(value) / 100) * of) : Number(value) || 0
}
