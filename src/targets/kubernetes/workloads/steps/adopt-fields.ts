import { isStatus } from '../../client/failure.ts'
import type { KubernetesContext } from '../../context.ts'
import { adoptedFields } from '../../objects/field-owners.ts'
import type { Move } from '../../objects/move.ts'
import { addressText, pathOf } from '../../objects/names.ts'
import { metaOnlySchema, type WorkloadObject } from '../../objects/objects.ts'
import { readWorkload } from '../read.ts'

const attempts = 10

/**
 * Gives the fields that we changed to the one who applies the template by server-side apply, as kubectl does when it takes over from
 * client-side apply (csaupgrade of client-go). What serves is the same without it, so its failure is none of the step.
 */
export async function adoptFields(
  cluster: KubernetesContext,
  move: Move,
  seen: WorkloadObject,
  signal: AbortSignal
): Promise<void> {
  try {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const live = attempt === 0 ? seen : await readWorkload(cluster, move, signal)
      const fields = adoptedFields(live)
      if (!fields || live.metadata.uid !== move.uid) return
      const body = [
        { op: 'replace', path: '/metadata/managedFields', value: fields },
        { op: 'replace', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion ?? '' }
      ]
      const request = {
        doing: `Changing the owners of fields of ${addressText(move)}`,
        method: 'PATCH',
        path: pathOf(move),
        contentType: 'application/json-patch+json',
        body,
        signal
      } as const
      // Each update of the status is a change in between.
      const done = await cluster.api.send(request, metaOnlySchema).catch((error: unknown) => {
        if (isStatus(error, 409)) return null
        throw error
      })
      if (done) return
    }
  } catch (error) {
    signal.throwIfAborted()
    cluster.log('debug', `The fields of ${addressText(move)} keep their owner: ${String(error)}`)
  }
}
