import type { Blocker } from '../../../model/observation.ts'
import { isRollout } from '../argo/state.ts'
import { ApiFailure, isStatus } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import { templateHash } from '../objects/template.ts'
import { sendPatch } from '../workloads/steps/put-template.ts'

/** Tries each change as a dry run: it meets admission and validation, and changes nothing. */
export async function tryChanges(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  signal: AbortSignal
): Promise<Blocker[]> {
  return (await inParallel(changes, 12, (change) => tryChange(cluster, change, signal))).flat()
}

async function tryChange(
  cluster: KubernetesContext,
  { workload, revision, move }: WorkloadChange,
  signal: AbortSignal
): Promise<Blocker[]> {
  try {
    const { template, changeCause } = revision
    const patch = { template, changeCause }
    const kept = await sendPatch(cluster, move, workload.object, patch, 'to', { signal, dryRun: true })
    if (isRollout(workload.object) || templateHash(kept.spec.template) === move.to.hash) return []
    // What is stored would be no version that ever served, and would look like someone else's change.
    return [
      {
        id: `altered:${addressText(move)}`,
        what: `The cluster would not keep the template of ${shortText(move)} as revision ${revision.number} has it (dry run)`,
        why: 'an admission webhook changes it, or a newer server adds defaults',
        next: 'Exclude the workload from the webhook, or deploy that version again.'
      }
    ]
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error
    if (isStatus(error, 403) && /^"User /.test(error.why)) return []
    // A status update in between is no refusal, and a webhook that cannot do dry runs proves nothing about the change.
    if (isStatus(error, 409) || (isStatus(error, 400) && /dry ?run/i.test(error.why))) return []
    return [
      {
        id: `refused:${addressText(move)}`,
        what: `The cluster ${error.retryable ? 'could not try' : 'refuses'} to change ${shortText(move)} (dry run)`,
        why: error.why,
        next: error.retryable ? error.next : 'Correct what the reason names, or choose another version.'
      }
    ]
  }
}
