import type { JsonObject } from '../../../model/json.ts'
import type { Release } from '../../../model/release.ts'
import type { Step } from '../../../model/step.ts'
import { abortStep, argoUndo, mustPromote, promoteStep } from '../argo/plan.ts'
import type { KubernetesContext } from '../context.ts'
import { addressText, marks, revisionsOf, shortText } from '../objects/names.ts'
import { isOrdered } from '../objects/ordered.ts'
import { isCrashLooping, isOf, isUnready, placeOf } from '../objects/pods.ts'
import type { Revision } from '../objects/revision.ts'
import type { Move } from '../step-params.ts'
import type { Way } from './plan.ts'
import type { Workload } from './read.ts'

const usualParallel = 20

/** Everything about one workload's change that is known before it, as data. */
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

/** Its pods are replaced only when somebody deletes them. */
const isOnDelete = ({ object }: Workload): boolean => object.spec.updateStrategy?.type === 'OnDelete'

/** Every pod of another revision than the wanted one, from the highest ordinal on, as a rolling update goes. */
function podsToReplace({ pods }: Workload, move: Move): { name: string; place: string }[] {
  const old = (pods ?? []).filter((pod) => !isOf(pod, move) && !pod.metadata.deletionTimestamp)
  return old
    .sort((a, b) => b.metadata.name.localeCompare(a.metadata.name, 'en', { numeric: true }))
    .map((pod) => ({ name: pod.metadata.name, place: placeOf(pod, move) }))
}

/**
 * Pods of a failed revision that an ordered StatefulSet waits for, and that keep it from going on, also after a rollback. One that
 * crashes again and again counts also while it seems well, so that a plan does not change from moment to moment.
 */
function stuckPods({ address, object, pods, readAt }: Workload, move: Move): string[] {
  if (address.kind !== 'statefulset' || object.spec.podManagementPolicy === 'Parallel') return []
  return (pods ?? [])
    .filter((pod) => (isUnready(pod) || isCrashLooping(pod, readAt)) && !isOf(pod, move))
    .map(({ metadata }) => metadata.name)
    .sort()
}

/** Templates first, as many at once as allowed; then what keeps a StatefulSet from going on; the mark when all is proven. */
export function stepsFor(cluster: KubernetesContext, ways: readonly Way[], release: Release, mayMark: boolean): Step[] {
  const most = cluster.config.max_parallel ?? usualParallel
  const chunks = Array.from({ length: Math.ceil(ways.length / most) }, (_, index) =>
    ways.slice(index * most, (index + 1) * most)
  )
  const marked = ways.filter(({ workload }) => workload.current).map(({ move }) => move)
  return [
    ...ways.flatMap((way) => abortStep(cluster, way)),
    ...chunks.map((chunk) => rollBack(cluster, chunk, release)),
    ...ways.flatMap((way) => promoteStep(cluster, way)),
    ...ways.flatMap((way) => podSteps(cluster, way)),
    ...(mayMark && marked.length > 0 ? [mark(cluster, marked, release)] : [])
  ]
}

/** What must be deleted by hand, as it were, before a template takes effect: named, pod by pod. */
export function podSteps(cluster: KubernetesContext, { workload, move }: Way): Step[] {
  if (isOnDelete(workload)) {
    const old = podsToReplace(workload, move)
    return old.length > 0 ? [replacePods(cluster, move, old)] : []
  }
  const pods = stuckPods(workload, move)
  return pods.length > 0 ? [deletePods(cluster, move, pods)] : []
}

/** Whether going back takes the right to delete pods. */
export const deletesPods = ({ workload, move }: Way): boolean =>
  isOnDelete(workload) || stuckPods(workload, move).length > 0

function rollBack(cluster: KubernetesContext, ways: readonly Way[], { version }: Release): Step {
  const [first] = ways
  const one = ways.length === 1 && first
  const what = one ? shortText(first.move) : `${ways.length} workloads`
  const ordered = ways.some(({ workload }) => isOrdered(workload.object))
  return {
    id: `workload:${ways.map(({ move }) => addressText(move)).join(',')}`,
    kind: 'roll_back',
    phase: 'switch',
    title: `Rolling ${what} back to ${version}`,
    params: { server: cluster.api.server, moves: ways.map(({ move }) => move as unknown as JsonObject) },
    undo: `Put the present template of ${what} back${ordered ? `, and delete pods of ${version} that keep it stuck (claims and data stay)` : ''}`,
    manualCommands: ways.flatMap((way) => manualCommands(cluster, way, way.revision.number)),
    manualUndoCommands: ways.flatMap((way) => manualCommands(cluster, way, way.workload.current?.number ?? 0, version))
  }
}

/** `left` is the version that is undone, whose pods may keep a StatefulSet stuck. */
const manualCommands = (cluster: KubernetesContext, way: Way, revision: number, left?: string): string[] =>
  way.move.kind === 'rollout' ? argoUndo(cluster, way.move, revision) : kubectlUndo(cluster, way, revision, left)

function kubectlUndo(
  { kubectl }: KubernetesContext,
  { move, workload }: Way,
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
  params: { server: api.server, move: { ...move, follow: true } as unknown as JsonObject, pods },
  undo: null,
  manualCommands: [`${kubectl} -n ${move.namespace} delete pod ${pods.join(' ')}`]
})

function replacePods({ api, kubectl }: KubernetesContext, move: Move, pods: { name: string; place: string }[]): Step {
  const names = pods.map(({ name }) => name)
  const commands = names.map((name) => `${kubectl} -n ${move.namespace} delete pod ${name}`)
  return {
    id: `pods:${addressText(move)}`,
    kind: 'replace_pods',
    phase: 'switch',
    title: `Deleting the old pods of ${shortText(move)} one by one: ${names.join(', ')} (claims and data stay)`,
    params: { server: api.server, move: { ...move, follow: true } as unknown as JsonObject, pods },
    undo: 'Put the present template back and delete the replaced pods one by one',
    manualCommands: commands,
    manualUndoCommands:
      move.kind === 'statefulset'
        ? commands
        : [`${kubectl} -n ${move.namespace} delete pod POD (each one that was replaced)`]
  }
}

export const mark = ({ api, kubectl }: KubernetesContext, moves: readonly Move[], { version }: Release): Step => ({
  id: 'mark',
  kind: 'mark',
  phase: 'cleanup',
  title: 'Marking the failed revision as rolled back from',
  params: { server: api.server, to: version, moves: moves as unknown as JsonObject[] },
  undo: 'Take the mark away',
  manualCommands: moves.map(({ namespace, kind, from }) => {
    const before = JSON.stringify({ revision: from.revision, to: version, rollback_id: 'by-hand' }).slice(0, -1)
    const text = `'${before},"at":"'$(date -u +%FT%TZ)'"}'`
    return `${kubectl} -n ${namespace} annotate ${revisionsOf(kind)} ${from.revision} --overwrite ${marks.rolledBack}=${text}`
  })
})
