import type { KubernetesContext } from '../../context.ts'
import { addressText } from '../../objects/names.ts'
import { type Pod, podSchema } from '../../objects/objects.ts'
import { selectorText } from '../../objects/selector.ts'
import type { Move } from '../../step-params.ts'
import { readWorkload } from '../workload.ts'

/** The pods that a StatefulSet or a DaemonSet has now. */
export async function podsOf(cluster: KubernetesContext, move: Move, signal: AbortSignal): Promise<Pod[]> {
  const request = { ...(await podsRequest(cluster, move, signal)), signal }
  return (await cluster.api.list(request, podSchema)).items.filter((pod) => isOwn(pod, move))
}

export const isOwn = ({ metadata }: Pod, { uid }: Move): boolean =>
  metadata.ownerReferences?.some((owner) => owner.uid === uid) === true

/** How its pods are listed, or watched. */
export const podsRequest = async (cluster: KubernetesContext, move: Move, signal: AbortSignal) => ({
  doing: `Reading the pods of ${addressText(move)}`,
  path: `/api/v1/namespaces/${move.namespace}/pods`,
  query: { labelSelector: selectorText((await readWorkload(cluster, move, signal)).spec.selector) }
})
