import { z } from 'zod'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import { part } from '../objects/objects.ts'
import type { PodSpec } from '../objects/pod-size.ts'
import type { Workload } from '../objects/workload.ts'
import { type Findings, joined } from './findings.ts'
import { autoscalerOf, type Node } from './nodes.ts'
import { nodeTermsSchema, unfitReason, type VolumeTerms } from './placement.ts'
import { needsPods, type PodDryRuns } from './pod-dry-run.ts'

/** Whether any node can take a pod of each old template, with the defaults that admission gave it. */
export async function examineScheduling(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  { reading, dryRuns }: { reading: Promise<Node[] | null>; dryRuns: Promise<PodDryRuns> },
  signal: AbortSignal
): Promise<Findings> {
  const [nodes, tried] = await Promise.all([reading, dryRuns])
  const coming = changes.filter(needsPods)
  if (!nodes)
    return joined([
      coming.length > 0
        ? { notes: ['These rights do not allow reading nodes, so whether one can take the pods is not checked.'] }
        : {}
    ])
  const each = await inParallel(coming, 12, async (change): Promise<Partial<Findings>> => {
    const spec = tried.get(change)?.spec
    const why = spec ? await whyNoNode(cluster, change.workload, spec, nodes, signal) : null
    if (!why) return {}
    const id = `unschedulable:${addressText(change.move)}`
    const what = `No node can take a pod of revision ${change.revision.number} of ${shortText(change.move)}`
    const scaler = await autoscalerOf(cluster, nodes, signal)
    if (scaler === 'none')
      return {
        blockers: [
          {
            id,
            what,
            why,
            next: `Give a node what is missing ("${cluster.kubectl} describe nodes" shows labels and taints), or choose another version.`
          }
        ]
      }
    const hope =
      scaler === 'there' ? 'An autoscaler may add one that can.' : 'Whether an autoscaler adds nodes is unknown.'
    return { risks: [{ id, serious: true, title: what, detail: `${why}. ${hope}` }] }
  })
  return joined(each)
}

/** What a DaemonSet's controller lets its pods tolerate (kubernetes.io, "DaemonSet"). */
const daemonTolerations = [
  'not-ready',
  'unreachable',
  'disk-pressure',
  'memory-pressure',
  'pid-pressure',
  'unschedulable',
  'network-unavailable'
].map((name) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists' }))

/** "0 of 3 nodes fit: no label disktype=ssd (2); …"; null where a node can take a pod, each one of a StatefulSet. */
export async function whyNoNode(
  cluster: KubernetesContext,
  workload: Pick<Workload, 'address' | 'object'>,
  given: PodSpec,
  nodes: readonly Node[],
  signal: AbortSignal
): Promise<string | null> {
  const isDaemon = workload.address.kind === 'daemonset'
  const own = z.array(z.json()).catch([]).parse(given.tolerations)
  const spec = isDaemon ? { ...given, tolerations: [...own, ...daemonTolerations] } : given
  for (const claims of claimsOf(workload, given)) {
    const volumes = (await inParallel(claims, 12, (claim) => termsOf(cluster, workload, claim, signal))).flat()
    const reasons = nodes.map((node) => unfitReason(node, spec, volumes))
    if (reasons.includes(null)) continue
    const counts = new Map<string, number>()
    for (const reason of reasons) if (reason) counts.set(reason, (counts.get(reason) ?? 0) + 1)
    const sorted = [...counts].sort(([, a], [, b]) => b - a).slice(0, 5)
    const lines = sorted.map(([reason, count]) => `${reason}${sorted.length > 1 ? ` (${count})` : ''}`)
    return `0 of ${nodes.length} nodes fit${lines.length > 0 ? `: ${lines.join('; ')}` : ''}`
  }
  return null
}

const volumesSchema = z.array(z.looseObject({ persistentVolumeClaim: part({ claimName: z.string() }) })).catch([])
const templatesSchema = z.array(z.looseObject({ metadata: z.looseObject({ name: z.string() }) })).catch([])
const mostOrdinals = 20

/** The claims of each pod that differs in them: one, or one for each ordinal of a StatefulSet with claims of its own. */
function claimsOf({ address, object }: Pick<Workload, 'address' | 'object'>, { volumes }: PodSpec): string[][] {
  const shared = volumesSchema
    .parse(volumes)
    .flatMap(({ persistentVolumeClaim }) => (persistentVolumeClaim ? [persistentVolumeClaim.claimName] : []))
  const own = templatesSchema.parse(object.spec.volumeClaimTemplates)
  if (own.length === 0) return [shared]
  const ordinals = Array.from({ length: Math.min(object.spec.replicas ?? 1, mostOrdinals) }, (_, ordinal) => ordinal)
  return ordinals.map((ordinal) => [
    ...shared,
    ...own.map(({ metadata }) => `${metadata.name}-${address.name}-${ordinal}`)
  ])
}

const claimSchema = z.looseObject({ spec: z.looseObject({ volumeName: z.string().nullish() }) })
const volumeSchema = z.looseObject({ spec: z.looseObject({ nodeAffinity: part({ required: nodeTermsSchema }) }) })

/** Where the volume of a claim can be reached from; nothing where that may not be read, or is anywhere. */
async function termsOf(
  { api }: KubernetesContext,
  { address }: Pick<Workload, 'address'>,
  claim: string,
  signal: AbortSignal
): Promise<VolumeTerms[]> {
  const path = `/api/v1/namespaces/${address.namespace}/persistentvolumeclaims/${claim}`
  const bound = await api
    .find({ doing: `Reading the claim ${claim}`, path, signal }, claimSchema)
    .catch(orOn(null, 403))
  const name = bound?.spec.volumeName
  if (!name) return []
  const volume = { doing: `Reading the volume ${name}`, path: `/api/v1/persistentvolumes/${name}`, signal }
  const required = (await api.find(volume, volumeSchema).catch(orOn(null, 403)))?.spec.nodeAffinity?.required
  return required ? [{ claim, terms: required }] : []
}
