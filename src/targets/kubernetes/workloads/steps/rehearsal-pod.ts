import { z } from 'zod'
import { type JsonObject, jsonObject } from '../../../../model/json.ts'
import { orOn } from '../../client/failure.ts'
import type { KubernetesContext } from '../../context.ts'
import type { Move } from '../../objects/move.ts'
import { resources, revisionsOf } from '../../objects/names.ts'
import type { Selector, WorkloadObject } from '../../objects/objects.ts'
import type { Revision } from '../../objects/revision.ts'
import { templateJson } from '../../objects/template.ts'
import { budgetsIn } from '../../preflight/controllers.ts'

/** On the pod of a rehearsal: the uid of its workload. */
export const rehearsalLabel = 'rollback.popkit/rehearsal'

/** No ordinal at its end, which a StatefulSet would take for its own. */
export const rehearsalName = ({ kind, name }: Pick<Move, 'kind' | 'name'>): string =>
  `${name.slice(0, 200).replaceAll('.', '-')}-${kind}-popkit-try`

const partsSchema = z.object({ metadata: jsonObject.optional(), spec: jsonObject })
const labelsSchema = z.record(z.string(), z.string()).catch({})

/**
 * The pod of a rehearsal: the template's, without the labels by which anything selects pods, with an owner that keeps it from being
 * adopted and takes it along, and with an end of its own should this program die.
 */
export async function rehearsalPod(
  cluster: KubernetesContext,
  move: Move,
  { object, revision, limitMs }: { object: WorkloadObject; revision: Revision; limitMs: number },
  signal: AbortSignal
): Promise<JsonObject> {
  const { metadata, spec } = partsSchema.parse(templateJson(revision.template))
  const selecting = await selectingKeys(cluster, move, object, signal)
  const labels = Object.entries(labelsSchema.parse(metadata?.labels)).filter(
    ([key]) => selecting !== 'unknown' && !selecting.has(key)
  )
  // Neither a ReplicaSet, nor a StatefulSet or DaemonSet: these let go of a pod that their selector does not match.
  const owner =
    revisionsOf(move.kind) === 'replicasets'
      ? {
          apiVersion: `${resources[move.kind].group}/${resources[move.kind].version}`,
          kind: resources[move.kind].kind,
          name: move.name,
          uid: move.uid
        }
      : { apiVersion: 'apps/v1', kind: 'ControllerRevision', name: revision.name, uid: revision.uid }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name: rehearsalName(move),
      labels: { ...Object.fromEntries(labels), [rehearsalLabel]: move.uid },
      ownerReferences: [{ ...owner, controller: true }]
    },
    spec: { ...spec, activeDeadlineSeconds: Math.ceil(limitMs / 1000) + 120 }
  }
}

const serviceSchema = z.looseObject({ spec: z.looseObject({ selector: z.record(z.string(), z.string()).nullish() }) })

/** The keys by which the workload, Services and disruption budgets select pods. */
async function selectingKeys(
  cluster: KubernetesContext,
  { namespace }: Move,
  { spec: { selector } }: WorkloadObject,
  signal: AbortSignal
): Promise<Set<string> | 'unknown'> {
  const path = `/api/v1/namespaces/${namespace}/services`
  const request = { doing: `Reading the services in ${namespace}`, path, signal }
  const [services, budgets] = await Promise.all([
    cluster.api.list(request, serviceSchema).then(({ items }) => items, orOn(null, 403)),
    budgetsIn(cluster, namespace, signal)
  ])
  if (!services || !budgets) return 'unknown'
  const selectors: Selector[] = [
    selector,
    ...budgets.flatMap(({ spec }): Selector[] => (spec.selector ? [spec.selector] : []))
  ]
  return new Set([
    ...services.flatMap(({ spec }) => Object.keys(spec.selector ?? {})),
    ...selectors.flatMap(({ matchLabels, matchExpressions }) => [
      ...Object.keys(matchLabels ?? {}),
      ...(matchExpressions ?? []).map(({ key }) => key)
    ])
  ])
}
