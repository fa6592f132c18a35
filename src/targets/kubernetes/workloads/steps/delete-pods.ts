import type { Step } from '../../../../model/step.ts'
import { messageOf } from '../../../../support/errors.ts'
import type { Run, StepResult } from '../../../target.ts'
import { isStatus } from '../../client/failure.ts'
import { inParallel } from '../../client/parallel.ts'
import type { KubernetesContext } from '../../context.ts'
import { addressText } from '../../objects/names.ts'
import { podSchema } from '../../objects/objects.ts'
import { isOf, isUnready } from '../../objects/pods.ts'
import { type Move, paramsOf } from '../../step-params.ts'
import { followRollout } from './follow-rollout.ts'
import { awaitController, podsOf } from './pods-of.ts'
import { ignored } from './put-template.ts'

const lookEveryMs = 1000

/**
 * Deletes pods of the failed revision that a StatefulSet would wait for for ever (kubernetes/kubernetes#67250), never their
 * claims, until the rollout is complete: one that crashes again and again is deleted when it does not serve.
 */
export async function applyDeletePods(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const { move, pods } = paramsOf('delete_pods', step, cluster)
  await awaitController(cluster, move, run)
  let deleted = await deleteUnready(cluster, move, run.signal, pods)
  const end = new AbortController()
  const signal = AbortSignal.any([run.signal, end.signal])
  const deleting = keepDeleting(cluster, move, pods, signal)
  try {
    await followRollout(cluster, move, run)
  } finally {
    end.abort()
    deleted += await deleting
  }
  return { detail: deleted === 0 ? 'already replaced' : `${deleted} deleted and replaced` }
}

/** Goes on deleting them until `signal` is aborted; what fails is only said, for whoever follows the rollout sees what it waits for. */
async function keepDeleting(
  cluster: KubernetesContext,
  move: Move,
  pods: readonly string[],
  signal: AbortSignal
): Promise<number> {
  for (let deleted = 0; ; )
    try {
      await cluster.clock.sleep(lookEveryMs, signal)
      deleted += await deleteUnready(cluster, move, signal, pods)
    } catch (error) {
      if (signal.aborted) return deleted
      cluster.log('warning', `A pod of ${addressText(move)} was not deleted: ${messageOf(error)}`)
    }
}

/** Deletes the pods of another revision than the wanted one that do not serve, of those named or of all; gives how many. */
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

/** Deletes a pod of a workload unless it is of the wanted revision already; gives whether it did. */
export async function deletePod(
  cluster: KubernetesContext,
  move: Move,
  name: string,
  signal: AbortSignal
): Promise<boolean> {
  const path = `/api/v1/namespaces/${move.namespace}/pods/${name}`
  const pod = await cluster.api.find({ doing: `Reading pod ${name}`, path, signal }, podSchema)
  const isOurs = pod?.metadata.ownerReferences?.some(({ uid }) => uid === move.uid)
  if (!pod || !isOurs || isOf(pod, move) || pod.metadata.deletionTimestamp) return false
  try {
    const body = { preconditions: { uid: pod.metadata.uid } }
    await cluster.api.send({ doing: `Deleting pod ${name}`, method: 'DELETE', path, body, signal }, ignored)
    return true
  } catch (error) {
    if (!isStatus(error, 404, 409)) throw error
    return false
  }
}

/** A deleted pod was replaced by its controller; there is nothing to put back. */
export const revertDeletePods = async (): Promise<StepResult> => ({ detail: 'pods are made by their controller' })
