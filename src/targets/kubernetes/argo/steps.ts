import type { Step } from '../../../model/step.ts'
import { TargetError } from '../../../support/errors.ts'
import { duration } from '../../../support/text.ts'
import type { Run, StepResult } from '../../target.ts'
import { isStatus } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import { addressText, pathOf } from '../objects/names.ts'
import type { WorkloadObject } from '../objects/objects.ts'
import { templateHash } from '../objects/template.ts'
import { type Move, paramsOf } from '../step-params.ts'
import { readWorkload } from '../workloads/read.ts'
import { followRollout } from '../workloads/steps/follow-rollout.ts'
import { changed, ignored } from '../workloads/steps/put-template.ts'
import { isMadeOf, isUpdating } from './state.ts'

/** Aborts an update that is under way, as `kubectl argo rollouts abort` does. */
export async function applyAbort(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const { move } = paramsOf('argo_abort', step, cluster)
  const live = await readWorkload(cluster, move, run.signal)
  if (live.metadata.uid !== move.uid) throw changed(move, 'it was deleted and made anew')
  if (isMadeOf(live, move.to.revision)) return { detail: 'the former template is there already' }
  if (templateHash(live.spec.template) !== move.from.hash && !isMadeOf(live, move.from.revision))
    throw changed(move, 'somebody else has changed its pod template')
  if (live.status.abort) return { detail: 'aborted already' }
  // Once an update is complete, aborting would scale what serves to nothing (argoproj/argo-rollouts#1292).
  if (!isUpdating(live)) throw changed(move, 'its update was completed')
  await writeStatus(cluster, move, live, { abort: true }, run)
  return { detail: 'the stable ReplicaSet takes over' }
}

/** Lets the update go on that was aborted, as `kubectl argo rollouts retry` does. */
export async function revertAbort(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const { move } = paramsOf('argo_abort', step, cluster)
  const live = await readWorkload(cluster, move, run.signal)
  if (live.metadata.uid !== move.uid) throw changed(move, 'it was deleted and made anew')
  if (!live.status.abort) return { detail: 'it is not aborted' }
  await writeStatus(cluster, move, live, { abort: false }, run)
  return { detail: 'the update begins anew' }
}

const noticeWithinMs = 60_000

/** Promotes the version that was put back in full, as `kubectl argo rollouts promote --full` does, and waits until it serves. */
export async function applyPromote(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const { move } = paramsOf('argo_promote', step, cluster)
  const live = await noticed(cluster, move, run)
  const promotes = isUpdating(live)
  if (promotes) await writeStatus(cluster, move, live, { promoteFull: true }, run)
  await followRollout(cluster, move, run)
  return { detail: promotes ? 'promoted' : 'it was promoted already' }
}

/** With the former template back, its own promotion counts. */
export const revertPromote = async (): Promise<StepResult> => ({ detail: 'it goes with the template' })

/** Waits until the controller has taken notice of the template: a promotion before that would be for the one before. */
async function noticed(cluster: KubernetesContext, move: Move, { signal }: Run): Promise<WorkloadObject> {
  const { clock } = cluster
  const until = clock.now().getTime() + noticeWithinMs
  for (;;) {
    const live = await readWorkload(cluster, move, signal)
    if (isMadeOf(live, move.to.revision)) return live
    if (templateHash(live.spec.template) !== move.to.hash)
      throw changed(move, 'somebody else has changed its pod template')
    if (clock.now().getTime() > until)
      throw new TargetError({
        what: `${addressText(move)} does not go back`,
        why: `the controller of Argo Rollouts has not taken notice of its template for ${duration(noticeWithinMs)}`,
        state: `The template of ${move.to.revision} is in place; its pods are what they were.`,
        next: 'See that the controller argo-rollouts runs, then assess again.',
        code: 'not_noticed'
      })
    await clock.sleep(500, signal)
  }
}

const attempts = 5

/** Writes to the status of the object as it was looked at; when that moved on, only while its update is still the same one. */
async function writeStatus(
  cluster: KubernetesContext,
  move: Move,
  seen: WorkloadObject,
  status: { abort: boolean } | { promoteFull: boolean },
  { signal }: Run
): Promise<void> {
  let live = seen
  for (let attempt = 1; ; attempt++) {
    const body = { metadata: { resourceVersion: live.metadata.resourceVersion ?? '' }, status }
    const doing = `Changing the status of ${addressText(move)}`
    const contentType = 'application/merge-patch+json'
    const path = `${pathOf(move)}/status`
    try {
      await cluster.api.send({ doing, method: 'PATCH', path, contentType, body, signal }, ignored)
      return
    } catch (error) {
      if (!isStatus(error, 409) || attempt === attempts) throw error
      live = await readWorkload(cluster, move, signal)
      if (live.metadata.generation !== seen.metadata.generation) throw changed(move, 'somebody else has changed it')
      if (isUpdating(live) !== isUpdating(seen)) throw changed(move, 'its update was completed')
    }
  }
}
