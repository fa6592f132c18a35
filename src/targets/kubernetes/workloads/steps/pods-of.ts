import { TargetError } from '../../../../support/errors.ts'
import { duration } from '../../../../support/text.ts'
import type { Run } from '../../../target.ts'
import type { KubernetesContext } from '../../context.ts'
import type { Move } from '../../objects/move.ts'
import { addressText } from '../../objects/names.ts'
import { isOwn, type Pod, podSchema } from '../../objects/objects.ts'
import { selectorText } from '../../objects/selector.ts'
import type { Workload } from '../../objects/workload.ts'
import { rolloutOf } from '../health.ts'
import { readWorkload } from '../read.ts'

/** The pods that a StatefulSet or a DaemonSet has now. */
export async function podsOf(cluster: KubernetesContext, move: Move, signal: AbortSignal): Promise<Pod[]> {
  const request = { ...(await podsRequest(cluster, move, signal)), signal }
  return (await cluster.api.list(request, podSchema)).items.filter((pod) => isOwn(pod, move))
}

/** Which pod cannot be one of a workload, of those that a step deletes: each that is there is held against the cluster again then. */
export function podMismatch({ address }: Workload, names: readonly string[]): string | null {
  const numbered = address.kind === 'statefulset'
  // A generated name keeps 58 characters of its base (kubernetes, staging/src/k8s.io/apiserver/pkg/storage/names).
  const base = numbered ? `${address.name}-` : `${address.name}-`.slice(0, 58)
  const made = numbered ? /^\d+$/ : /^[a-z0-9]+$/
  const stray = names.find((name) => !name.startsWith(base) || !made.test(name.slice(base.length)))
  return stray === undefined ? null : `${stray} is no pod of ${addressText(address)}`
}

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
