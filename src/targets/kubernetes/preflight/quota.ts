import { z } from 'zod'
import type { Blocker, Risk } from '../../../model/observation.ts'
import { isStatus } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { addressText, shortText } from '../objects/names.ts'
import { metadataSchema, type Pod, type WorkloadObject } from '../objects/objects.ts'
import { isBestEffort, type PodSpec, podSpecSchema, quantity, quantityText, sizeOf } from '../objects/pod-size.ts'
import { isFinished, isOf, isUnready } from '../objects/pods.ts'
import type { Move } from '../step-params.ts'
import { rolloutOf } from '../workloads/health.ts'
import type { Way } from '../workloads/plan.ts'
import { type Trial, tryPod } from './pod-dry-run.ts'

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

export interface Room {
  blockers: Blocker[]
  risks: Risk[]
}

/** One workload's change, in pods. */
interface Demand {
  way: Way
  trial: Trial
  /** Pods of other revisions that go away, and what each of them is. */
  leaving: PodSpec[]
  /** Pods that come in the end, and those that come before any other goes. */
  coming: number
  surge: number
  mayLeaveFirst: boolean
}

/** Whether the namespaces have room for the pods that going back makes, by their quotas and limits. */
export async function examineQuotas(
  cluster: KubernetesContext,
  ways: readonly Way[],
  signal: AbortSignal
): Promise<Room> {
  const namespaces = [...new Set(ways.map(({ move }) => move.namespace))]
  const rooms = await Promise.all(
    namespaces.map((namespace) =>
      examineOne(
        cluster,
        namespace,
        ways.filter(({ move }) => move.namespace === namespace),
        signal
      )
    )
  )
  return { blockers: rooms.flatMap(({ blockers }) => blockers), risks: rooms.flatMap(({ risks }) => risks) }
}

async function examineOne(
  cluster: KubernetesContext,
  namespace: string,
  ways: readonly Way[],
  signal: AbortSignal
): Promise<Room> {
  const [quotas, limits] = await Promise.all([
    listed(cluster, namespace, 'resourcequotas', signal),
    listed(cluster, namespace, 'limitranges', signal)
  ])
  const unread = [...(quotas ? [] : ['resourcequotas']), ...(limits ? [] : ['limitranges'])]
  const room: Room = { blockers: [], risks: unread.length > 0 ? [unseen(namespace, unread.join(' and '))] : [] }
  if (!quotas?.length && !limits?.length) return room
  // Where pods may not be read, that right is missing before anything else.
  const counted = ways.filter(({ workload }) => workload.pods !== null)
  const demands = await inParallel(counted, 12, async (way) =>
    demandOf(way, await tryPod(cluster, way.workload, way.revision, signal))
  )
  if (demands.some(({ trial }) => trial.unseen) && limits?.length)
    room.risks.push(unseen(namespace, 'pods as a dry run, so what LimitRanges do to them'))
  for (const { way, trial } of demands) judgePod(room, way, trial)
  for (const quota of quotas ?? []) judgeQuota(room, namespace, quota, demands)
  return room
}

async function listed(
  { api }: KubernetesContext,
  namespace: string,
  resource: 'resourcequotas' | 'limitranges',
  signal: AbortSignal
): Promise<Quota[] | null> {
  try {
    const path = `/api/v1/namespaces/${namespace}/${resource}`
    return (await api.list({ doing: `Reading the ${resource} in ${namespace}`, path, signal }, quotaSchema)).items
  } catch (error) {
    if (isStatus(error, 403)) return null
    throw error
  }
}

const unseen = (namespace: string, what: string): Risk => ({
  id: `quota_unseen:${namespace}:${what.split(' ')[0]}`,
  serious: false,
  title: `Whether the quotas and limits of ${namespace} leave room is unknown`,
  detail: `These rights do not allow reading ${what} there.`
})

function demandOf({ workload, revision, move }: Way, trial: Trial): Demand {
  const living = (workload.pods ?? []).filter((pod) => !isFinished(pod))
  const { wanted } = rolloutOf(workload.object)
  const { leaving, coming, surge, mayLeaveFirst } = surgeOf(workload.object, move, wanted, living)
  return { way: { workload, revision, move }, trial, leaving: leaving.map(specOf), coming, surge, mayLeaveFirst }
}

const specOf = ({ spec }: Pod): PodSpec => podSpecSchema.parse(spec)

function judgePod({ blockers, risks }: Room, { move, revision }: Way, { refused, doubted }: Trial): void {
  const what = `a pod of revision ${revision.number} of ${shortText(move)}`
  if (refused)
    blockers.push({
      id: `pod_refused:${addressText(move)}`,
      what: `The namespace ${move.namespace} admits no pod of the old template of ${shortText(move)} (dry run)`,
      why: refused,
      next: 'Change the LimitRange or the quota that is named, or choose another version.'
    })
  if (doubted)
    risks.push({
      id: `pod_doubted:${addressText(move)}`,
      serious: true,
      title: `The cluster refuses ${what} to this identity (dry run)`,
      detail: `${doubted} Its controller may be allowed to.`
    })
}

/** Amounts are sums of fractions (300m of a core), which are not exact. */
const roundingError = 1e-9

/** One quota against the pods of all workloads that go back at the same time. */
function judgeQuota({ blockers, risks }: Room, namespace: string, quota: Quota, demands: readonly Demand[]): void {
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
    // Of several workloads one that may let pods go first makes room for itself alone.
    const stuck = each.filter(({ surge, one, mayLeaveFirst }) => surge > 0 && one > free && !mayLeaveFirst)
    if (grows > 0 && grows > free) blockers.push(noRoom(name, resource, `${numbers(grows)} once every old pod is gone`))
    else if (stuck.length > 0)
      blockers.push(
        noRoom(
          name,
          resource,
          `${numbers(atOnce)}, and no old pod may go before a new one is available (maxUnavailable)`
        )
      )
    else if (atOnce > free)
      risks.push({
        id: `quota:${name}:${resource}`,
        serious: false,
        title: `The quota ${name} has no room for all pods that the rollout makes first`,
        detail: `${numbers(atOnce)}. Old pods go first, so it takes longer and fewer pods serve meanwhile.`
      })
  }
}

const noRoom = (name: string, resource: string, numbers: string): Blocker => ({
  id: `quota:${name}:${resource}`,
  what: `The quota ${name} has no room for the pods of the rollback`,
  why: numbers,
  next: 'Raise the quota, scale something down, or delete what is not needed, then assess again.'
})

interface Need {
  coming: number
  leaving: number
  surge: number
  one: number
  mayLeaveFirst: boolean
}

function needOf({ trial, leaving, coming, surge, mayLeaveFirst }: Demand, quota: Quota, resource: string): Need {
  const counts = (spec: PodSpec): number => (isIn(quota, spec) ? (sizeOf(spec)[resource] ?? 0) : 0)
  const one = trial.requested[resource] ?? counts(trial.spec)
  return { coming: coming * one, surge: surge * one, leaving: sum(leaving.map(counts)), one, mayLeaveFirst }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

/** Whether a quota counts such a pod, by its scopes (kubernetes.io, "Resource Quotas"); pods of workloads never terminate by themselves. */
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

export interface Surge {
  leaving: Pod[]
  /** How many pods come in the end. */
  coming: number
  /** How many of them come before any other goes. */
  surge: number
  /** Whether old pods may go before new ones are available. */
  mayLeaveFirst: boolean
}

/** How a workload replaces its pods, counted (kubernetes.io, "Deployments": max surge rounds up, max unavailable down, never both 0). */
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
