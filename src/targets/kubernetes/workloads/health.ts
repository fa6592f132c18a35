import type { Health, HealthState } from '../../../model/observation.ts'
import { quoted } from '../../../support/text.ts'
import { argoRollout, isRollout } from '../argo/state.ts'
import { addressText, known, revisionsOf, shortText } from '../objects/names.ts'
import type { Pod, WorkloadObject } from '../objects/objects.ts'
import { isFinished, isUnready, podFailureOf } from '../objects/pods.ts'
import { hangingPod } from '../objects/terminating.ts'
import type { Rollout, Workload } from '../objects/workload.ts'

/** Counts as kubectl's "rollout status" does (staging/src/k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go). */
export function rolloutOf({ metadata, spec, status }: WorkloadObject): Rollout {
  if (isRollout({ spec })) return argoRollout({ metadata, spec, status })
  const daemon = status.desiredNumberScheduled !== undefined && status.desiredNumberScheduled !== null
  const seen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  const wanted = daemon ? (status.desiredNumberScheduled ?? 0) : (spec.replicas ?? 1)
  const present = daemon ? (status.currentNumberScheduled ?? 0) : (status.replicas ?? 0)
  const updated = daemon ? (status.updatedNumberScheduled ?? 0) : (status.updatedReplicas ?? 0)
  const available = daemon
    ? (status.numberAvailable ?? 0)
    : status.updateRevision
      ? (status.readyReplicas ?? 0)
      : (status.availableReplicas ?? 0)
  const old = Math.max(0, present - updated)
  return {
    wanted,
    updated,
    available,
    old,
    seen,
    complete: seen && updated >= wanted && old === 0 && available >= wanted
  }
}

/** Pods of the template that should serve, by labels and owners; not those that a ReplicaSet has replaced already. */
export const currentPods = (workload: Workload): Pod[] =>
  podsOfTemplate(workload).filter((pod) => revisionsOf(workload.address.kind) !== 'replicasets' || !isFinished(pod))

/** The same, with those that ended and were not removed. */
export function podsOfTemplate({ address, object, current, pods }: Workload): Pod[] {
  if (!current || !pods) return []
  if (revisionsOf(address.kind) === 'replicasets')
    return pods.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === current.uid))
  const hash = current.name.replace(`${object.metadata.name}-`, '')
  return pods.filter(({ metadata }) => {
    const label = metadata.labels?.[known.revisionHash]
    return label === hash || label === current.name
  })
}

/** Pods of other templates that still run, by their own labels and not by their controller's count; a Rollout may keep some. */
export function oldPods(workload: Workload): Pod[] {
  if (!workload.current || !workload.pods || isRollout(workload.object)) return []
  const current = new Set(currentPods(workload))
  return workload.pods.filter((pod) => !current.has(pod) && !pod.metadata.deletionTimestamp && !isFinished(pod))
}

/** Why a workload should have no pods. */
export const wantsNone = ({ address }: Workload): string =>
  address.kind === 'daemonset' ? 'no node wants a pod of it' : 'it is scaled to 0'

/** The health of one workload; unknown for one that should have no pods. */
export function healthOf(workload: Workload): Health {
  const name = shortText(workload.address)
  const rollout = rolloutOf(workload.object)
  const { wanted, available, updated } = rollout
  if (wanted === 0) return { state: 'unknown', message: `${name} serves nothing: ${wantsNone(workload)}` }
  const current = currentPods(workload)
  const broken = current.flatMap((pod) => podFailureOf(pod) ?? [])
  const stalled = workload.object.status.conditions?.find(
    ({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded'
  )
  const counts = `${available} of ${wanted} pods available, ${updated} of the current revision`
  const { address, object, pods, readAt } = workload
  const hanging = hangingPod({ kind: address.kind, object, isNew: (pod) => current.includes(pod) }, pods ?? [], readAt)
  const degraded = workload.object.status.phase === 'Degraded' ? (workload.object.status.message ?? 'degraded') : null
  const why = broken[0] ?? hanging ?? (stalled ? 'its rollout exceeded its deadline' : degraded && quoted(degraded))
  if (rollout.complete && broken.length === 0) return { state: 'healthy', message: `${name}: ${counts}` }
  if (available === 0 && (why || !isStarting(workload))) return { state: 'down', message: `${name}: ${why ?? counts}` }
  if (why) return { state: 'degraded', message: `${name}: ${counts}; ${why}` }
  return { state: 'progressing', message: `${name}: ${counts}` }
}

/** Pods of the current template are starting, and none has failed yet. */
const isStarting = (workload: Workload): boolean => {
  const pods = currentPods(workload)
  return pods.length === 0 ? (workload.object.status.observedGeneration ?? 0) <= 1 : pods.some(isUnready)
}

const worst: HealthState[] = ['down', 'degraded', 'unknown', 'progressing', 'healthy']

/**
 * Several workloads are as healthy as the worst of them; all down is down, some down is degraded. Those that should have no pods
 * count only if there is no other.
 */
export function healthTogether(workloads: readonly Workload[]): Health {
  const each = workloads.map((workload) => ({ of: addressText(workload.address), workload, ...healthOf(workload) }))
  const parts = Object.fromEntries(each.map(({ of, state }) => [of, state]))
  const running = each.filter(({ workload }) => rolloutOf(workload.object).wanted > 0)
  const sorted = (running.length > 0 ? running : each).sort((a, b) => worst.indexOf(a.state) - worst.indexOf(b.state))
  const [first] = sorted
  if (!first) return { state: 'unknown', message: 'there is no workload' }
  if (each.length === 1) return { state: first.state, message: first.message }
  const bad = sorted.filter(({ state }) => state !== 'healthy')
  const idle =
    running.length < each.length && running.length > 0 ? `; ${each.length - running.length} should have no pods` : ''
  if (bad.length === 0) return { state: 'healthy', message: `all ${sorted.length} workloads serve${idle}`, parts }
  const state = first.state === 'down' && sorted.some((one) => one.state !== 'down') ? 'degraded' : first.state
  const lines = bad.slice(0, 3).map(({ message }) => message)
  return { state, message: `${bad.length} of ${sorted.length} workloads: ${lines.join('; ')}${idle}`, parts }
}
