import { z } from 'zod'
import { messageOf } from '../../../../support/errors.ts'
import { anySignal } from '../../../../support/limit.ts'
import { orOn } from '../../client/failure.ts'
import { inParallel } from '../../client/parallel.ts'
import type { KubernetesContext } from '../../context.ts'
import { kubernetesStep, oneMove } from '../../kubernetes-step.ts'
import { type Move, nameSchema } from '../../objects/move.ts'
import { addressText, shortText } from '../../objects/names.ts'
import { isOwn, podSchema } from '../../objects/objects.ts'
import { isOf, isUnready } from '../../objects/pods.ts'
import { isOnDelete } from '../../objects/workload.ts'
import { followRollout } from './follow-rollout.ts'
import { moveMismatch, workloadAt } from './move-mismatch.ts'
import { awaitController, podMismatch, podsOf } from './pods-of.ts'

const everyMs = 1000

/**
 * Deletes pods of the failed revision that a StatefulSet would wait for forever (kubernetes/kubernetes#67250), never their claims,
 * until the rollout is complete: one that crashes again and again is deleted whenever it does not serve.
 */
export const deletePods = kubernetesStep({
  kind: 'delete_pods',
  phase: 'switch',
  params: oneMove.extend({ pods: z.array(nameSchema).min(1) }),
  describe: ({ kubectl }, { move, pods }) => ({
    id: `pods:${addressText(move)}`,
    title: `Deleting the pods of ${shortText(move)} that keep it stuck: ${pods.join(', ')} (claims and data stay)`,
    undo: null,
    manualCommands: [`${kubectl} -n ${move.namespace} delete pod ${pods.join(' ')} --ignore-not-found`]
  }),
  mismatch(_cluster, { move, pods }, known) {
    const workload = workloadAt(move, known)
    const isOther = !workload || move.kind !== 'statefulset' || isOnDelete(workload.object)
    if (isOther) return `${addressText(move)} is no StatefulSet that waits for its pods`
    return moveMismatch(move, known) ?? podMismatch(workload, pods)
  },
  async apply(cluster, { move, pods }, run) {
    await awaitController(cluster, move, run)
    let deleted = await deleteUnready(cluster, move, run.signal, pods)
    const end = new AbortController()
    const deleting = keepDeleting(cluster, move, pods, anySignal(run.signal, end.signal))
    try {
      await followRollout(cluster, move, run)
    } finally {
      end.abort()
      deleted += await deleting
    }
    return { detail: deleted === 0 ? 'already replaced' : `${deleted} deleted and replaced` }
  },
  revert: async () => ({ detail: 'the controller creates the pods' })
})

/** Deletes them again until `signal` is aborted. A failure is only logged: following the rollout shows what it waits for. */
async function keepDeleting(
  cluster: KubernetesContext,
  move: Move,
  pods: readonly string[],
  signal: AbortSignal
): Promise<number> {
  for (let deleted = 0; ; )
    try {
      await cluster.clock.sleep(everyMs, signal)
      deleted += await deleteUnready(cluster, move, signal, pods)
    } catch (error) {
      if (signal.aborted) return deleted
      cluster.log('warning', `A pod of ${addressText(move)} was not deleted: ${messageOf(error)}`)
    }
}

/** Deletes the pods of another revision than the wanted one that do not serve, of those named or of all; returns how many. */
export async function deleteUnready(
  cluster: KubernetesContext,
  move: Move,
  signal: AbortSignal,
  names?: readonly string[]
): Promise<number> {
  const pods = (await podsOf(cluster, move, signal)).filter(
    (pod) => isUnready(pod) && !isOf(pod, move) && (names?.includes(pod.metadata.name) ?? true)
  )
  const deleted = await inParallel(pods, 12, ({ metadata }) => deletePod(cluster, move, metadata.name, signal))
  return deleted.filter(Boolean).length
}

/** Deletes a pod of a workload unless it is of the wanted revision already; returns whether it did. */
export async function deletePod(
  { api }: KubernetesContext,
  move: Move,
  name: string,
  signal: AbortSignal
): Promise<boolean> {
  const path = `/api/v1/namespaces/${move.namespace}/pods/${name}`
  const pod = await api.find({ doing: `Reading pod ${name}`, path, signal }, podSchema)
  if (!pod || !isOwn(pod, move) || isOf(pod, move) || pod.metadata.deletionTimestamp) return false
  const body = { preconditions: { uid: pod.metadata.uid } }
  const request = { doing: `Deleting pod ${name}`, method: 'DELETE', path, body, signal } as const
  return api.send(request, z.unknown()).then(() => true, orOn(false, 404, 409))
}
