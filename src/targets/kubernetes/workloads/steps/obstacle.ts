import { quote } from '../../../../support/quote.ts'
import { orOn } from '../../client/failure.ts'
import type { KubernetesContext } from '../../context.ts'
import type { Move } from '../../objects/move.ts'
import { revisionsOf } from '../../objects/names.ts'
import { type ClusterEvent, eventSchema, type Pod, type WorkloadObject } from '../../objects/objects.ts'
import { isFinished, isOf } from '../../objects/pods.ts'
import { hangingPod } from '../../objects/terminating.ts'

/** What keeps a rollout from getting its pods, as controllers, the scheduler or a finalizer say. */
export interface Obstacle {
  why: string
  /** It may still pass: how long it is waited for. */
  graceMs: number
}

/**
 * A controller creates again after 5 ms, 10 ms and so on, each time twice as long, so that within half a minute it has tried a dozen
 * times: a webhook that restarts has passed by then. So has the scheduler, and an autoscaler has said that it adds a node.
 */
const transientMs = 30_000
/** A policy says the same each time; two looks exclude what was said before the change. */
const lastingMs = 3000
/**
 * A quota counts a pod until it is gone, and some time longer (its controller counts again), and the next try comes after as long a
 * wait as all before it together. Pods that took a minute to end are followed by the new ones within two.
 */
const quotaMs = 120_000
/** Beyond the time that a pod has to be gone. */
const hangingMs = 20_000
const passing = /webhook|timed? ?out|etcdserver|too many requests|connection refused|Internal error|try again/i
const denied = /denied the request/
const overQuota = /exceeded quota/
/** Pods that end make room. */
export const lacksRoom = /exceeded quota|Insufficient |Too many pods|free ports|anti-affinity|topology spread/

/** What stands in the way of a rollout that makes no progress; `since` is when it last did, in the server's milliseconds. */
export async function obstacleOf(
  cluster: KubernetesContext,
  { move, object, pods }: { move: Move; object: WorkloadObject; pods: readonly Pod[] },
  since: number,
  signal: AbortSignal
): Promise<Obstacle | null> {
  const byReplicaSet = revisionsOf(move.kind) === 'replicasets'
  const isNew = (pod: Pod): boolean => isOf(pod, move)
  const hanging = hangingPod({ kind: move.kind, object, isNew }, pods, cluster.api.now())
  if (hanging) return { why: hanging, graceMs: hangingMs }
  const others = pods.some((pod) => !isFinished(pod) && (!isNew(pod) || pod.metadata.deletionTimestamp))
  const mayPass = (text: string): boolean => others && lacksRoom.test(text)
  const failed = byReplicaSet
    ? replicaFailure(object)
    : (await eventsOf(cluster, move, `${move.uid},reason=FailedCreate`, since, signal)).at(-1)?.message
  if (failed && !mayPass(failed)) {
    return { why: quote(cluster.mask, failed, 600), graceMs: graceFor(failed) }
  }
  const pending = pods.find((pod) => isNew(pod) && unschedulable(pod))
  const said = pending && unschedulable(pending)
  if (!said || mayPass(said)) return null
  // Cluster Autoscaler and Karpenter say at the pod when they add a node for it.
  const events = await eventsOf(cluster, move, pending.metadata.uid, 0, signal)
  if (events.some(({ reason }) => reason === 'TriggeredScaleUp' || reason === 'Nominated')) return null
  return {
    why: `${pending.metadata.name} cannot be scheduled: ${quote(cluster.mask, said, 600)}`,
    graceMs: transientMs
  }
}

function graceFor(refusal: string): number {
  if (overQuota.test(refusal)) return quotaMs
  return passing.test(refusal) && !denied.test(refusal) ? transientMs : lastingMs
}

/** Of the newest ReplicaSet: its controller sets it when its last try failed, and removes it when one succeeds. */
const replicaFailure = ({ status }: WorkloadObject): string | null | undefined =>
  status.conditions?.find(
    ({ type, status, reason }) => type === 'ReplicaFailure' && status === 'True' && reason === 'FailedCreate'
  )?.message

export const unschedulable = ({ status }: Pod): string | null | undefined =>
  status.conditions?.find(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable')?.message

/** Events of one object since a time, oldest first; none without the right to read them. */
async function eventsOf(
  { api }: KubernetesContext,
  { namespace }: Move,
  selected: string,
  since: number,
  signal: AbortSignal
): Promise<ClusterEvent[]> {
  const path = `/api/v1/namespaces/${namespace}/events`
  const query = { fieldSelector: `involvedObject.uid=${selected}` }
  const request = { doing: `Reading the events in ${namespace}`, path, query, signal }
  const { items } = await api.list(request, eventSchema).catch(orOn({ items: [] }, 403))
  const at = ({ lastTimestamp, eventTime }: ClusterEvent): number => Date.parse(lastTimestamp ?? eventTime ?? '') || 0
  // Their times are truncated to the second.
  return items.filter((event) => at(event) >= since - 1000).sort((a, b) => at(a) - at(b))
}
