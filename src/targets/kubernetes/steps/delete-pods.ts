import type { Step } from '../../../model/step.ts'
import type { Run, StepResult } from '../../target.ts'
import { isStatus } from '../client/failure.ts'
import { podSchema } from '../objects.ts'
import { type Move, paramsOf } from '../params.ts'
import { isOf } from '../trouble.ts'
import type { Workshop } from '../workshop.ts'
import { awaitController } from './await-controller.ts'
import { followRollout } from './follow.ts'
import { ignored } from './put-back.ts'

/**
 * Deletes pods of the failed revision that a StatefulSet would wait for for ever (kubernetes/kubernetes#67250), never their
 * claims, then waits until the rollout is complete.
 */
export async function applyDeletePods(workshop: Workshop, step: Step, run: Run): Promise<StepResult> {
  const { move, pods } = paramsOf('delete_pods', step, workshop)
  await awaitController(workshop, move, run)
  let deleted = 0
  for (const name of pods) if (await deletePod(workshop, move, name, run.signal)) deleted++
  await followRollout(workshop, move, run)
  return { detail: deleted === 0 ? 'already replaced' : `${deleted} deleted and replaced` }
}

/** Deletes a pod of a workload unless it is of the wanted revision already; gives whether it did. */
export async function deletePod(workshop: Workshop, move: Move, name: string, signal: AbortSignal): Promise<boolean> {
  const path = `/api/v1/namespaces/${move.namespace}/pods/${name}`
  const pod = await workshop.api.find({ doing: `Reading pod ${name}`, path, signal }, podSchema)
  const isOurs = pod?.metadata.ownerReferences?.some(({ uid }) => uid === move.uid)
  if (!pod || !isOurs || isOf(pod, move) || pod.metadata.deletionTimestamp) return false
  try {
    const body = { preconditions: { uid: pod.metadata.uid } }
    await workshop.api.send({ doing: `Deleting pod ${name}`, method: 'DELETE', path, body, signal }, ignored)
    return true
  } catch (error) {
    if (!isStatus(error, 404, 409)) throw error
    return false
  }
}

/** A deleted pod was replaced by its controller; there is nothing to put back. */
export const revertDeletePods = async (): Promise<StepResult> => ({ detail: 'pods are made by their controller' })
