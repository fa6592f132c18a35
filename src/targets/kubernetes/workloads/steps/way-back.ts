import { TargetError } from '../../../../support/errors.ts'
import type { Run } from '../../../target.ts'
import type { KubernetesContext } from '../../context.ts'
import { type Move, reversed } from '../../objects/move.ts'
import { addressText } from '../../objects/names.ts'
import { podSchema, type WorkloadObject } from '../../objects/objects.ts'
import { isFinished, isOf, isUnready } from '../../objects/pods.ts'
import { selectorText } from '../../objects/selector.ts'
import { readNodes } from '../../preflight/nodes.ts'
import { tryPod } from '../../preflight/pod-dry-run.ts'
import { whyNoNode } from '../../preflight/scheduling.ts'
import { rolloutOf } from '../health.ts'
import { readWorkload } from '../read.ts'
import { isLive, readRevision } from './put-template.ts'

/**
 * Before a template is put back: its pods must be possible where the way back takes away pods that serve.
 * @throws TargetError `no_way_back` where they are not.
 */
export async function requireWayBack(
  cluster: KubernetesContext,
  move: Move,
  { signal }: Pick<Run, 'signal'>
): Promise<void> {
  const object = await readWorkload(cluster, move, signal)
  if (move.from.revision === '' || isLive(object, move.from)) return
  const query = { labelSelector: selectorText(object.spec.selector) }
  const path = `/api/v1/namespaces/${move.namespace}/pods`
  const { items } = await cluster.api.list(
    { doing: `Reading the pods of ${addressText(move)}`, path, query, signal },
    podSchema
  )
  const pods = items.filter((pod) => !isFinished(pod) && !pod.metadata.deletionTimestamp)
  const serving = pods.filter((pod) => isOf(pod, move) && !isUnready(pod)).length
  const former = pods.filter((pod) => isOf(pod, reversed(move))).length
  if (serving === 0 || former >= rolloutOf(object).wanted) return
  const why = await whyNoPod(cluster, move, object, signal)
  if (!why) return
  throw new TargetError({
    what: `${addressText(move)} was not put back`,
    why: `the cluster takes no pod of ${move.from.revision} either: ${why}`,
    state: `${serving} pods of ${move.to.revision} serve, and were left.`,
    next: 'Correct what the reason names; the rollout then goes on by itself.',
    code: 'no_way_back'
  })
}

async function whyNoPod(
  cluster: KubernetesContext,
  move: Move,
  object: WorkloadObject,
  signal: AbortSignal
): Promise<string | null> {
  const workload = { address: move, object }
  const { refused, spec } = await tryPod(
    cluster,
    workload,
    await readRevision(cluster, move, move.from, signal),
    signal
  )
  if (refused) return refused
  const nodes = await readNodes(cluster, signal)
  return nodes && whyNoNode(cluster, workload, spec, nodes, signal)
}
