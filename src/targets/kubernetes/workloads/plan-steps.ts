import type { Step } from '../../../model/step.ts'
import type { Move as Between } from '../../target.ts'
import { mustAbort, mustPromote } from '../argo/plan.ts'
import { abortUpdate, promote } from '../argo/steps.ts'
import type { KubernetesContext } from '../context.ts'
import type { Move, WorkloadChange } from '../objects/move.ts'
import { isCrashLooping, isOf, isUnready, slotOf } from '../objects/pods.ts'
import type { Revision } from '../objects/revision.ts'
import { isOnDelete, isOrdered, type Workload } from '../objects/workload.ts'
import { mark } from './steps/annotate-revision.ts'
import { deletePods } from './steps/delete-pods.ts'
import { type ReplacedPods, replacePods } from './steps/replace-pods.ts'
import { rollBack } from './steps/roll-back.ts'

const usualParallel = 20

/** Everything that is known about one workload's change beforehand, as data. */
export function changeOf(workload: Workload, revision: Revision): WorkloadChange {
  const { address, object, current, hash } = workload
  const move: Move = {
    ...address,
    uid: object.metadata.uid,
    from: {
      revision: current?.name ?? '',
      hash,
      ...(current && current.hash !== hash && { own: current.hash })
    },
    to: { revision: revision.name, hash: revision.hash },
    paused: object.spec.paused === true
  }
  const waits = isOnDelete(object) || stuckPods(workload, move).length > 0 || mustPromote(workload, revision)
  return { workload, revision, move, follow: !waits }
}

/** Every pod of another revision than the wanted one, from the highest ordinal on, as a rolling update goes. */
function podsToReplace({ pods }: Workload, move: Move): ReplacedPods {
  const old = (pods ?? []).filter((pod) => !isOf(pod, move) && !pod.metadata.deletionTimestamp)
  return old
    .sort((a, b) => b.metadata.name.localeCompare(a.metadata.name, 'en', { numeric: true }))
    .map((pod) => ({ name: pod.metadata.name, place: slotOf(pod, move) }))
}

/**
 * Pods of a failed revision that an ordered StatefulSet waits for, and that block it even after a rollback. One that crashes again and
 * again counts also while it seems healthy, so that a plan does not change from moment to moment.
 */
function stuckPods({ address, object, pods, readAt }: Workload, move: Move): string[] {
  if (address.kind !== 'statefulset' || object.spec.podManagementPolicy === 'Parallel') return []
  return (pods ?? [])
    .filter((pod) => (isUnready(pod) || isCrashLooping(pod, readAt)) && !isOf(pod, move))
    .map(({ metadata }) => metadata.name)
    .sort()
}

/** Templates first, as many at once as allowed; then the pods that block a StatefulSet; the mark after the checks. */
export function stepsFor(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  between: Between,
  mayMark: boolean
): Step[] {
  const { server } = cluster.api
  const most = cluster.config.max_parallel ?? usualParallel
  const chunks = Array.from({ length: Math.ceil(changes.length / most) }, (_, index) =>
    changes.slice(index * most, (index + 1) * most)
  )
  return [
    ...changes.filter(mustAbort).map(({ move }) => abortUpdate.plan(cluster, { server, move }, between)),
    ...chunks.map((chunk) => {
      const moves = chunk.map(({ workload, move, follow }) => ({
        ...move,
        follow,
        ordered: isOrdered(workload.object)
      }))
      return rollBack.plan(cluster, { server, moves }, between)
    }),
    ...changes
      .filter(({ workload, revision }) => mustPromote(workload, revision))
      .map(({ move }) => promote.plan(cluster, { server, move }, between)),
    ...changes.flatMap((change) => podSteps(cluster, change, between)),
    ...markSteps(cluster, changes, between, mayMark)
  ]
}

/** The pods that must be deleted before a template takes effect, each by its name. */
export function podSteps(cluster: KubernetesContext, { workload, move }: WorkloadChange, between: Between): Step[] {
  const { server } = cluster.api
  if (isOnDelete(workload.object)) {
    const pods = podsToReplace(workload, move)
    return pods.length > 0 ? [replacePods.plan(cluster, { server, move, pods }, between)] : []
  }
  const pods = stuckPods(workload, move)
  return pods.length > 0 ? [deletePods.plan(cluster, { server, move, pods }, between)] : []
}

/** Whether going back needs the right to delete pods. */
export const deletesPods = ({ workload, move }: WorkloadChange): boolean =>
  isOnDelete(workload.object) || stuckPods(workload, move).length > 0

/** What served without a revision of its own cannot be marked. */
export function markSteps(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  between: Between,
  mayMark: boolean
): Step[] {
  const moves = changes.filter(({ workload }) => workload.current).map(({ move }) => move)
  const params = { server: cluster.api.server, to: between.to.version, moves }
  return mayMark && moves.length > 0 ? [mark.plan(cluster, params, between)] : []
}
