import { z } from 'zod'
import { jsonObject } from '../../../model/json.ts'
import { ApiFailure } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import { type Amounts, type PodSpec, podSpecSchema, quantity } from '../objects/pod-size.ts'
import type { Revision } from '../objects/revision.ts'
import { templateJson } from '../objects/template.ts'
import type { Workload } from '../objects/workload.ts'
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
  /** These rights do not allow trying. */
  untried?: true
}

/** Creates a pod of the template as a dry run: the namespace's limits, defaults and quotas take effect, and nothing is created. */
export async function tryPod(
  { api }: KubernetesContext,
  { address, object }: Workload,
  { template }: Revision,
  signal: AbortSignal
): Promise<PodDryRun> {
  const own = { spec: podSpecSchema.parse(template.spec), requested: {} }
  const { metadata, spec } = partsSchema.parse(templateJson(template))
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
          metadata: { ...metadata, generateName: `${address.name.slice(0, 50)}-` },
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

/** By the messages of the admission plugins ServiceAccount, LimitRanger and ResourceQuota (kubernetes, plugin/pkg/admission). */
function outcomeOf({ why, status }: ApiFailure): Partial<PodDryRun> {
  // A webhook that fails refuses every such pod; a busy server proves nothing.
  if (status === 429 || status >= 500) return /webhook/i.test(why) ? { refusedToUs: why } : { untried: true }
  // A webhook that cannot do dry runs proves nothing about the pod.
  if (/: User ".{0,300}" cannot create|dry ?run/i.test(why)) return { untried: true }
  if (/error looking up service account/.test(why)) return {}
  const exceeded = /exceeded quota: .{0,300}?, requested: (.{0,2000}?), used: /.exec(why)?.[1]
  if (exceeded) return { requested: amountsOf(exceeded) }
  const always =
    /failed quota: .{0,1000} must specify|(maximum|minimum) .{0,300} usage per|limit to request ratio|must be less than or equal to/
  return always.test(why) ? { refused: why } : { refusedToUs: why }
}

const amountsOf = (text: string): Amounts =>
  Object.fromEntries(
    text.split(',').flatMap((part) => {
      const [name = '', value = ''] = part.split('=')
      const amount = quantity(value)
      return name && amount !== null ? [[name, amount]] : []
    })
  )

/** What a dry run says against a change. */
export const dryRunFindings = (
  { move, revision }: WorkloadChange,
  { refused, refusedToUs }: PodDryRun
): Partial<Findings> => ({
  blockers: refused
    ? [
        {
          id: `pod_refused:${addressText(move)}`,
          what: `The namespace ${move.namespace} refuses pods of the old template of ${shortText(move)} (dry run)`,
          why: refused,
          next: 'Change the LimitRange or the quota that the reason names, or choose another version.'
        }
      ]
    : [],
  risks: refusedToUs
    ? [
        {
          id: `pod_doubted:${addressText(move)}`,
          serious: true,
          title: `This identity may not create a pod of revision ${revision.number} of ${shortText(move)} (dry run)`,
          detail: `${refusedToUs} Its controller may be allowed to.`
        }
      ]
    : []
})
