import type { Release } from '../../../model/release.ts'
import type { Step } from '../../../model/step.ts'
import { abortStep, argoUndo, mustPromote, promoteStep } from '../argo/plan.ts'
import type { KubernetesContext } from '../context.ts'
import type { Move, WorkloadChange } from '../objects/move.ts'
import { addressText, marks, revisionsOf, shortText } from '../objects/names.ts'
import { isCrashLooping, isOf, isUnready, slotOf } from '../objects/pods.ts'
import type { Revision } from '../objects/revision.ts'
import { isOrdered, type Workload } from '../objects/workload.ts'
import type { MarkParams } from './steps/annotate-revision.ts'
import type { DeletePodsParams } from './steps/delete-pods.ts'
import type { ReplacePodsParams } from './steps/replace-pods.ts'
import type { RollBackParams } from './steps/roll-back.ts'

const usualParallel = 20

/** Everything that is known about one workload's change beforehand, as data. */
export function moveOf(workload: Workload, revision: Revision): Move {
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
    paused: object.spec.paused === true,
    follow: true
  }
  const waits = isOnDelete(workload) || stuckPods(workload, move).length > 0 || mustPromote(workload, revision)
  return { ...move, follow: !waits }
}

/** Its pods are replaced only when they are deleted. */
const isOnDelete = ({ object }: Workload): boolean => object.spec.updateStrategy?.type === 'OnDelete'

/** Every pod of another revision than the wanted one, from the highest ordinal on, as a rolling update goes. */
function podsToReplace({ pods }: Workload, move: Move): ReplacePodsParams['pods'] {
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
  release: Release,
  mayMark: boolean
): Step[] {
  const most = cluster.config.max_parallel ?? usualParallel
  const chunks = Array.from({ length: Math.ceil(changes.length / most) }, (_, index) =>
    changes.slice(index * most, (index + 1) * most)
  )
  const marked = changes.filter(({ workload }) => workload.current).map(({ move }) => move)
  return [
    ...changes.flatMap((change) => abortStep(cluster, change)),
    ...chunks.map((chunk) => rollBack(cluster, chunk, release)),
    ...changes.flatMap((change) => promoteStep(cluster, change)),
    ...changes.flatMap((change) => podSteps(cluster, change)),
    ...(mayMark && marked.length > 0 ? [markStep(cluster, marked, release)] : [])
  ]
}

/** The pods that must be deleted before a template takes effect, each by its name. */
export function podSteps(cluster: KubernetesContext, { workload, move }: WorkloadChange): Step[] {
  if (isOnDelete(workload)) {
    const old = podsToReplace(workload, move)
    return old.length > 0 ? [replacePods(cluster, move, old)] : []
  }
  const pods = stuckPods(workload, move)
  return pods.length > 0 ? [deletePods(cluster, move, pods)] : []
}

/** Whether going back needs the right to delete pods. */
export const deletesPods = ({ workload, move }: WorkloadChange): boolean =>
  isOnDelete(workload) || stuckPods(workload, move).length > 0

function rollBack(cluster: KubernetesContext, changes: readonly WorkloadChange[], { version }: Release): Step {
  const [first] = changes
  const one = changes.length === 1 && first
  const what = one ? shortText(first.move) : `${changes.length} workloads`
  const ordered = changes.some(({ workload }) => isOrdered(workload.object))
  return {
    id: `workload:${changes.map(({ move }) => addressText(move)).join(',')}`,
    kind: 'roll_back',
    phase: 'switch',
    title: `Rolling ${what} back to ${version}`,
    params: { server: cluster.api.server, moves: changes.map(({ move }) => move) } satisfies RollBackParams,
    undo: `Put the present template of ${what} back${ordered ? `, and delete pods of ${version} that keep it stuck (claims and data stay)` : ''}`,
    manualCommands: changes.flatMap((change) => manualCommands(cluster, change, change.revision.number)),
    manualUndoCommands: changes.flatMap((change) =>
      manualCommands(cluster, change, change.workload.current?.number ?? 0, version)
    )
  }
}

/** `left` is the version that is undone; its pods may block a StatefulSet. */
const manualCommands = (
  cluster: KubernetesContext,
  change: WorkloadChange,
  revision: number,
  left?: string
): string[] =>
  change.move.kind === 'rollout'
    ? argoUndo(cluster, change.move, revision)
    : kubectlUndo(cluster, change, revision, left)

function kubectlUndo(
  { kubectl }: KubernetesContext,
  { move, workload }: WorkloadChange,
  revision: number,
  left?: string
): string[] {
  const to = `${kubectl} -n ${move.namespace}`
  const name = shortText(move)
  return [
    ...(move.paused ? [`${to} rollout resume ${name}`] : []),
    `${to} rollout undo ${name} --to-revision=${revision}`,
    ...(left && isOrdered(workload.object) ? [`${to} delete pod POD (each one of ${left} that is not ready)`] : []),
    ...(isOnDelete(workload) ? [] : [`${to} rollout status ${name}`])
  ]
}

const deletePods = ({ api, kubectl }: KubernetesContext, move: Move, pods: string[]): Step => ({
  id: `pods:${addressText(move)}`,
  kind: 'delete_pods',
  phase: 'switch',
  title: `Deleting the pods of ${shortText(move)} that keep it stuck: ${pods.join(', ')} (claims and data stay)`,
  params: { server: api.server, move: { ...move, follow: true }, pods } satisfies DeletePodsParams,
  undo: null,
  manualCommands: [`${kubectl} -n ${move.namespace} delete pod ${pods.join(' ')}`]
})

function replacePods({ api, kubectl }: KubernetesContext, move: Move, pods: ReplacePodsParams['pods']): Step {
  const names = pods.map(({ name }) => name)
  const commands = names.map((name) => `${kubectl} -n ${move.namespace} delete pod ${name}`)
  return {
    id: `pods:${addressText(move)}`,
    kind: 'replace_pods',
    phase: 'switch',
    title: `Deleting the old pods of ${shortText(move)} one by one: ${names.join(', ')} (claims and data stay)`,
    params: { server: api.server, move: { ...move, follow: true }, pods } satisfies ReplacePodsParams,
    undo: 'Put the present template back and delete the replaced pods one by one',
    manualCommands: commands,
    manualUndoCommands:
      move.kind === 'statefulset'
        ? commands
        : [`${kubectl} -n ${move.namespace} delete pod POD (each one that was replaced)`]
  }
}

export const markStep = ({ api, kubectl }: KubernetesContext, moves: readonly Move[], { version }: Release): Step => ({
  id: 'mark',
  kind: 'mark',
  phase: 'cleanup',
  title: 'Marking the failed revision as rolled back from',
  params: { server: api.server, to: version, moves: [...moves] } satisfies MarkParams,
  undo: 'Remove the mark',
  manualCommands: moves.map(({ namespace, kind, from }) => {
    const before = JSON.stringify({ revision: from.revision, to: version, rollback_id: 'by-hand' }).slice(0, -1)
    const text = `'${before},"at":"'$(date -u +%FT%TZ)'"}'`
    return `${kubectl} -n ${namespace} annotate ${revisionsOf(kind)} ${from.revision} --overwrite ${marks.rolledBack}=${text}`
  })
})
