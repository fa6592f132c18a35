import { TargetError } from '../../../../support/errors.ts'
import { duration } from '../../../../support/text.ts'
import type { Run } from '../../../target.ts'
import type { KubernetesContext } from '../../context.ts'
import type { Move } from '../../objects/move.ts'
import { addressText } from '../../objects/names.ts'
import { type Pod, podSchema } from '../../objects/objects.ts'
import { selectorText } from '../../objects/selector.ts'
import { rolloutOf } from '../health.ts'
import { readWorkload } from '../read.ts'

/** The pods that a StatefulSet or a DaemonSet has now. */
export async function podsOf(cluster: KubernetesContext, move: Move, signal: AbortSignal): Promise<Pod[]> {
  const request = { ...(await podsRequest(cluster, move, signal)), signal }
  return (await cluster.api.list(request, podSchema)).items.filter((pod) => isOwn(pod, move))
}

export const isOwn = ({ metadata }: Pod, { uid }: Move): boolean =>
  metadata.ownerReferences?.some((owner) => owner.uid === uid) === true

/** The request that lists or watches its pods. */
export const podsRequest = async (cluster: KubernetesContext, move: Move, signal: AbortSignal) => ({
  doing: `Reading the pods of ${addressText(move)}`,
  path: `/api/v1/namespaces/${move.namespace}/pods`,
  query: { labelSelector: selectorText((await readWorkload(cluster, move, signal)).spec.selector) }
})

const limitMs = 60_000

/**
 * Waits until the controller has seen the present template: a pod that is deleted earlier is created from the former one again.
 * @throws TargetError `controller_silent` when it has not after a minute.
 */
export async function awaitController(
  cluster: KubernetesContext,
  move: Move,
  { signal }: Pick<Run, 'signal'>
): Promise<void> {
  const { clock } = cluster
  const end = clock.now().getTime() + limitMs
  while (!rolloutOf(await readWorkload(cluster, move, signal)).seen) {
    if (clock.now().getTime() > end)
      throw new TargetError({
        what: `No pod of ${addressText(move)} was deleted`,
        why: `its controller did not react to the new template within ${duration(limitMs)}`,
        state: 'The new template is in place; the pods are unchanged.',
        next: "Check that the cluster's controller manager is running, then assess again.",
        retryable: true,
        code: 'controller_silent'
      })
    await clock.sleep(200, signal)
  }
}
