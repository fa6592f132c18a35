import { z } from 'zod'
import { jsonObject } from '../../../model/json.ts'
import { ApiFailure } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText, resources, revisionsOf, shortText } from '../objects/names.ts'
import { type Amounts, type PodSpec, podSpecSchema, quantity } from '../objects/pod-size.ts'
import { isFinished, isOf } from '../objects/pods.ts'
import type { Revision } from '../objects/revision.ts'
import { templateJson } from '../objects/template.ts'
import type { Workload } from '../objects/workload.ts'
import { rolloutOf } from '../workloads/health.ts'
import type { Findings } from './findings.ts'

const podSchema = z.looseObject({ spec: podSpecSchema })
const partsSchema = z.object({ metadata: jsonObject.optional(), spec: jsonObject })
const claimsSchema = z.array(z.looseObject({ metadata: z.looseObject({ name: z.string() }) })).catch([])

/** How the cluster admits a pod of an old template, as far as it says. */
export interface PodDryRun {
  /** The pod with every default that the namespace gives it. */
  spec: PodSpec
  /** What the server says that a pod would need of a quota that is used up. */
  requested: Amounts
  /** Why no such pod is admitted from any identity. */
  refused?: string
  /** Why no such pod is admitted from this identity; its controller may be allowed to create it. */
  refusedToUs?: string
  /** Why it was not tried. */
  untried?: string
}

export type PodDryRuns = ReadonlyMap<WorkloadChange, PodDryRun>

/** Tries a pod for each change. */
export async function tryPods(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  signal: AbortSignal
): Promise<PodDryRuns> {
  const tried = await inParallel(changes, 12, (change) => tryPod(cluster, change.workload, change.revision, signal))
  return new Map(changes.flatMap((change, index) => (tried[index] ? [[change, tried[index]] as const] : [])))
}

/** Creates a pod of the template as a dry run: the namespace's limits, defaults and quotas take effect, and nothing is created. */
export async function tryPod(
  { api }: KubernetesContext,
  { address, object }: Pick<Workload, 'address' | 'object'>,
  { template, ...revision }: Pick<Revision, 'template' | 'name' | 'uid'>,
  signal: AbortSignal
): Promise<PodDryRun> {
  const own = { spec: podSpecSchema.parse(template.spec), requested: {} }
  const { metadata, spec } = partsSchema.parse(templateJson(template))
  // Policies against pods without a controller must not refuse this one.
  const owner =
    revisionsOf(address.kind) === 'replicasets'
      ? { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: revision.name, uid: revision.uid, controller: true }
      : {
          apiVersion: 'apps/v1',
          kind: resources[address.kind].kind,
          name: address.name,
          uid: object.metadata.uid,
          controller: true
        }
  const claims = claimsSchema.parse(object.spec.volumeClaimTemplates).map((claim) => ({ name: claim.metadata.name }))
  try {
    const pod = await api.send(
      {
        doing: 'Trying a pod (dry run)',
        method: 'POST',
        path: `/api/v1/namespaces/${address.namespace}/pods`,
        query: { dryRun: 'All' },
        body: {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { ...metadata, generateName: `${address.name.slice(0, 50)}-`, ownerReferences: [owner] },
          spec: {
            ...spec,
            ...(claims.length > 0 && { volumes: [...(Array.isArray(spec.volumes) ? spec.volumes : []), ...claims] })
          }
        },
        signal
      },
      podSchema
    )
    return { spec: pod.spec, requested: {} }
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error
    return { ...own, ...outcomeOf(error) }
  }
}

/** By the messages of the API server and its admission plugins (kubernetes, plugin/pkg/admission, and staging/src/k8s.io/apiserver). */
function outcomeOf({ why, status }: ApiFailure): Partial<PodDryRun> {
  // A webhook that fails refuses every such pod; a busy server, or a webhook that cannot do dry runs, proves nothing.
  const isBusy = (status === 429 || status >= 500) && !/webhook/i.test(why)
  if (isBusy || /: User ['"].{0,300}['"] cannot create|dry ?run/i.test(why)) return { untried: why }
  // What exists is checked with all that the template names.
  if (/error looking up service account/.test(why)) return {}
  const exceeded = /exceeded quota: .{0,300}?, requested: (.{0,2000}?), used: /.exec(why)?.[1]
  if (exceeded) return { requested: amountsOf(exceeded) }
  return ofIdentity.test(why) ? { refusedToUs: why } : { refused: why }
}

/** Refusals that go by who asks: a PodSecurityPolicy (before 1.25), or a policy that names its user. */
const ofIdentity =
  /pod ?security ?polic|\buser ['"]?[\w:@.-]{1,300}['"]? (is not|may not|must not|cannot|can't|has no)\b/i

const amountsOf = (text: string): Amounts =>
  Object.fromEntries(
    text.split(',').flatMap((part) => {
      const [name = '', value = ''] = part.split('=')
      const amount = quantity(value)
      return name && amount !== null ? [[name, amount]] : []
    })
  )

/** Whether going back creates any pod: a rollout that failed early may have left every former one in place. */
export const needsPods = ({ workload: { object, pods }, move }: WorkloadChange): boolean =>
  !pods ||
  pods.filter((pod) => isOf(pod, move) && !isFinished(pod) && !pod.metadata.deletionTimestamp).length <
    rolloutOf(object).wanted

/** What a dry run says against a change. */
export function dryRunFindings(
  change: WorkloadChange,
  { refused, refusedToUs, untried }: PodDryRun
): Partial<Findings> {
  const { workload, move, revision } = change
  const pod = `a pod of revision ${revision.number} of ${shortText(move)}`
  if (refused && !needsPods(change))
    return {
      risks: [
        {
          id: `pod_refused:${addressText(move)}`,
          serious: true,
          title: `The cluster refuses ${pod} (dry run)`,
          detail: `${refused} Its present pods stay and are enough, but none that ends is replaced.`
        }
      ]
    }
  if (refused)
    return {
      blockers: [
        {
          id: `pod_refused:${addressText(move)}`,
          what: `The cluster refuses ${pod} (dry run)`,
          why: refused,
          next: /failed calling webhook/.test(refused)
            ? 'Restore the webhook that the reason names, then assess again.'
            : 'Correct what the reason names, or choose another version.'
        }
      ]
    }
  if (refusedToUs)
    return {
      risks: [
        {
          id: `pod_doubted:${addressText(move)}`,
          serious: true,
          title: `This identity may not create ${pod} (dry run)`,
          detail: `${refusedToUs} Its controller may be allowed to.`
        }
      ]
    }
  if (!untried) return {}
  const stopsFirst = workload.object.spec.strategy?.type === 'Recreate'
  return {
    risks: [
      {
        id: `pod_untried:${addressText(move)}`,
        serious: stopsFirst,
        title: `Whether the cluster admits ${pod} was not tried`,
        detail: `${untried}. A webhook, a policy or a missing class could refuse it${stopsFirst ? ', and Recreate stops every present pod first' : ''}.`
      }
    ]
  }
}
