import { z } from 'zod'
import type { Blocker, Risk } from '../../../model/observation.ts'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import type { Move, WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import { metadataSchema, type Pod, type WorkloadObject } from '../objects/objects.ts'
import { isBestEffort, type PodSpec, podSpecSchema, quantity, quantityText, sizeOf } from '../objects/pod-size.ts'
import { isFinished, isOf, isUnready } from '../objects/pods.ts'
import { namespacesOf } from '../objects/workload.ts'
import { rolloutOf } from '../workloads/health.ts'
import { type Findings, joined } from './findings.ts'
import { type PodDryRun, tryPod } from './pod-dry-run.ts'

const amounts = z.record(z.string(), z.string()).nullish()
const quotaSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z
    .looseObject({
      scopes: z.array(z.string()).nullish(),
      scopeSelector: z
        .looseObject({
          matchExpressions: z
            .array(
              z.looseObject({ scopeName: z.string(), operator: z.string(), values: z.array(z.string()).nullish() })
            )
            .nullish()
        })
        .nullish()
    })
    .default({}),
  status: z.looseObject({ hard: amounts, used: amounts }).default({})
})
type Quota = z.infer<typeof quotaSchema>

/** One workload's change, in pods. */
interface Demand {
  change: WorkloadChange
  dryRun: PodDryRun
  /** Pods of other revisions that stop. */
  leaving: PodSpec[]
  /** How many pods start in all, and how many of them before any other stops. */
  coming: number
  surge: number
  mayLeaveFirst: boolean
}

/** Whether the quotas and limits of the namespaces leave room for the pods that the rollback creates. */
export async function examineQuotas(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  signal: AbortSignal
): Promise<Findings> {
  const namespaces = namespacesOf(changes.map(({ move }) => move))
  return joined(
    await Promise.all(
      namespaces.map((namespace) => {
        const own = changes.filter(({ move }) => move.namespace === namespace)
        return examineOne(cluster, namespace, own, signal)
      })
    )
  )
}

async function examineOne(
  cluster: KubernetesContext,
  namespace: string,
  changes: readonly WorkloadChange[],
  signal: AbortSignal
): Promise<Findings> {
  const [quotas, limits] = await Promise.all([
    listed(cluster, namespace, 'resourcequotas', signal),
    listed(cluster, namespace, 'limitranges', signal)
  ])
  const unread = [...(quotas ? [] : ['resourcequotas']), ...(limits ? [] : ['limitranges'])]
  const found = joined([unread.length > 0 ? { risks: [unreadable(namespace, unread.join(' and '))] } : {}])
  if (!quotas?.length && !limits?.length) return found
  // Without the right to read pods, the rights check blocks the rollback already.
  const counted = changes.filter(({ workload }) => workload.pods !== null)
  const demands = await inParallel(counted, 12, async (change) =>
    demandOf(change, await tryPod(cluster, change.workload, change.revision, signal))
  )
  if (demands.some(({ dryRun }) => dryRun.untried) && limits?.length)
    found.risks.push(unreadable(namespace, 'pods as a dry run, so what LimitRanges do to them'))
  for (const { change, dryRun } of demands) addPodFindings(found, change, dryRun)
  for (const quota of quotas ?? []) addQuotaFindings(found, namespace, quota, demands)
  return found
}

const listed = (
  { api }: KubernetesContext,
  namespace: string,
  resource: 'resourcequotas' | 'limitranges',
  signal: AbortSignal
): Promise<Quota[] | null> => {
  const path = `/api/v1/namespaces/${namespace}/${resource}`
  const request = { doing: `Reading the ${resource} in ${namespace}`, path, signal }
  return api.list(request, quotaSchema).then(({ items }) => items, orOn(null, 403))
}

const unreadable = (namespace: string, what: string): Risk => ({
  id: `quota_unseen:${namespace}:${what.split(' ')[0]}`,
  serious: false,
  title: `Whether the quotas and limits of ${namespace} leave room is unknown`,
  detail: `These rights do not allow reading ${what}.`
})

function demandOf({ workload, revision, move }: WorkloadChange, dryRun: PodDryRun): Demand {
  const living = (workload.pods ?? []).filter((pod) => !isFinished(pod))
  const { wanted } = rolloutOf(workload.object)
  const { leaving, coming, surge, mayLeaveFirst } = surgeOf(workload.object, move, wanted, living)
  return { change: { workload, revision, move }, dryRun, leaving: leaving.map(specOf), coming, surge, mayLeaveFirst }
}

const specOf = ({ spec }: Pod): PodSpec => podSpecSchema.parse(spec)

function addPodFindings(
  { blockers, risks }: Findings,
  { move, revision }: WorkloadChange,
  { refused, refusedToUs }: PodDryRun
): void {
  const what = `a pod of revision ${revision.number} of ${shortText(move)}`
  if (refused)
    blockers.push({
      id: `pod_refused:${addressText(move)}`,
      what: `The namespace ${move.namespace} refuses pods of the old template of ${shortText(move)} (dry run)`,
      why: refused,
      next: 'Change the LimitRange or the quota that the reason names, or choose another version.'
    })
  if (refusedToUs)
    risks.push({
      id: `pod_doubted:${addressText(move)}`,
      serious: true,
      title: `The cluster does not let this identity create ${what} (dry run)`,
      detail: `${refusedToUs} Its controller may be allowed to.`
    })
}

/** Amounts are sums of fractions (300m of a core), which are not exact. */
const roundingError = 1e-9

/** One quota against the pods of all workloads that go back at the same time. */
function addQuotaFindings(
  { blockers, risks }: Findings,
  namespace: string,
  quota: Quota,
  demands: readonly Demand[]
): void {
  const name = `${namespace}/${quota.metadata.name}`
  for (const [resource, text] of Object.entries(quota.status.hard ?? {})) {
    const hard = quantity(text)
    const used = quantity(quota.status.used?.[resource] ?? '0') ?? 0
    if (hard === null) continue
    const each = demands.map((demand) => needOf(demand, quota, resource))
    const grows = sum(each.map(({ coming, leaving }) => coming - leaving))
    const atOnce = sum(each.map(({ surge }) => surge))
    const free = hard - used + roundingError
    const say = (value: number): string => quantityText(value, resource)
    const numbers = (needed: number): string =>
      `${resource}: ${say(hard)} hard, ${say(used)} used, ${say(needed)} more needed`
    // A workload that may stop pods first makes room for itself alone.
    const stuck = each.filter(({ surge, one, mayLeaveFirst }) => surge > 0 && one > free && !mayLeaveFirst)
    if (grows > 0 && grows > free) blockers.push(noRoom(name, resource, `${numbers(grows)} once every old pod is gone`))
    else if (stuck.length > 0)
      blockers.push(
        noRoom(
          name,
          resource,
          `${numbers(atOnce)}, and no old pod may stop before a new one is available (maxUnavailable)`
        )
      )
    else if (atOnce > free)
      risks.push({
        id: `quota:${name}:${resource}`,
        serious: false,
        title: `The quota ${name} has no room for all pods that the rollout starts first`,
        detail: `${numbers(atOnce)}. Old pods stop first, so it takes longer and fewer pods serve meanwhile.`
      })
  }
}

const noRoom = (name: string, resource: string, numbers: string): Blocker => ({
  id: `quota:${name}:${resource}`,
  what: `The quota ${name} has no room for the pods of the rollback`,
  why: numbers,
  next: 'Raise the quota, or scale something down, then assess again.'
})

interface Need {
  coming: number
  leaving: number
  surge: number
  one: number
  mayLeaveFirst: boolean
}

function needOf({ dryRun, leaving, coming, surge, mayLeaveFirst }: Demand, quota: Quota, resource: string): Need {
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
function surgeOf({ spec }: WorkloadObject, move: Move, wanted: number, pods: readonly Pod[]): Surge {
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
