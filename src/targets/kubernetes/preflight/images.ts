import { z } from 'zod'
import type { Risk } from '../../../model/observation.ts'
import { oneLine, quoted } from '../../../support/text.ts'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { fullName } from '../objects/image-name.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { eventSchema, type Template } from '../objects/objects.ts'
import { isOf } from '../objects/pods.ts'
import { namespacesOf } from '../objects/workload.ts'
import type { Node } from './nodes.ts'

/** The images that each node has, as far as nodes report them (a kubelet names its largest fifty); null without the right to read nodes. */
type Nodes = Set<string>[] | null

/** Whether the images of the old templates still exist, as far as the cluster knows. No registry is asked. */
export async function examineImages(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  reading: Promise<Node[] | null>,
  signal: AbortSignal
): Promise<Risk[]> {
  if (changes.length === 0) return []
  const namespaces = namespacesOf(changes.map(({ move }) => move))
  const [nodes, pulls] = await Promise.all([
    reading.then(imagesOfNodes),
    inParallel(namespaces, 12, (namespace) => failedPulls(cluster, namespace, signal))
  ])
  const failed = pulls.flat()
  const risks = new Map<string, Risk>()
  const unknown = new Set<string>()
  for (const change of changes)
    for (const image of imagesOf(change.revision.template)) {
      const risk = riskOf(image, change, nodes, failed)
      if (risk === 'unknown') unknown.add(image.name)
      else if (risk) risks.set(risk.id, risk)
    }
  return [...risks.values(), ...(unknown.size > 0 ? [unverified([...unknown], nodes)] : [])]
}

interface Image {
  name: string
  policy: 'Always' | 'IfNotPresent' | 'Never'
}

const policySchema = z.enum(['Always', 'IfNotPresent', 'Never'])

/** The API server writes the policy into every template; the tag "latest" is pulled each time. */
function imagesOf({ spec }: Template): Image[] {
  const all = [...spec.containers, ...(spec.initContainers ?? [])].map(({ image, imagePullPolicy }) => ({
    name: image,
    policy: policySchema.catch(/:latest$|^[^:@]+$/.test(image) ? 'Always' : 'IfNotPresent').parse(imagePullPolicy)
  }))
  return [...new Map(all.map((one) => [`${one.name} ${one.policy}`, one])).values()]
}

function riskOf(
  { name, policy }: Image,
  change: WorkloadChange,
  nodes: Nodes,
  failed: readonly FailedPull[]
): Risk | 'unknown' | null {
  const having = nodes?.filter((names) => names.has(fullName(name))).length ?? 0
  const everywhere = nodes !== null && nodes.length > 0 && having === nodes.length
  if (everywhere && policy !== 'Always') return null
  const pull = failed.find(({ image, namespace }) => image === name && namespace === change.move.namespace)
  if (pull)
    return {
      id: `image_pull_failed:${name}`,
      serious: true,
      title: `The image ${name} could not be pulled`,
      detail: oneLine(`${pull.pod}${pull.at ? ` at ${pull.at}` : ''}: ${quoted(pull.message, 300)}`, 400)
    }
  if (policy === 'Never')
    return nodes === null
      ? 'unknown'
      : {
          id: `image_absent:${name}`,
          serious: true,
          title: `The image ${name} is on ${having} of ${nodes.length} nodes and is never pulled`,
          detail: 'imagePullPolicy is Never, so pods start only on a node that has it already.'
        }
  return runsNow(change, name) && policy !== 'Always' ? null : 'unknown'
}

/** A pod of that very revision runs it now, so a node has it. */
const runsNow = ({ workload, move }: WorkloadChange, name: string): boolean =>
  (workload.pods ?? []).some(
    (pod) =>
      isOf(pod, move) &&
      pod.status.containerStatuses?.some(({ image, ready }) => ready && image && fullName(image) === fullName(name))
  )

const mostNamed = 5

const unverified = (names: readonly string[], nodes: Nodes): Risk => ({
  id: 'image_unknown',
  serious: false,
  title: 'Whether every image of the old version can still be pulled is unknown',
  detail: oneLine(
    `${names.slice(0, mostNamed).join(', ')}${names.length > mostNamed ? ` and ${names.length - mostNamed} more` : ''}: ${
      nodes === null
        ? 'these rights do not allow reading what the nodes have'
        : 'not every node reports it, or it is pulled each time'
    }. The registry is not asked.`,
    500
  )
})

const imagesOfNodes = (nodes: readonly Node[] | null): Nodes =>
  nodes
    ?.filter(({ spec }) => !spec.unschedulable)
    .map(({ status }) => new Set((status.images ?? []).flatMap(({ names }) => (names ?? []).map(fullName)))) ?? null

/** A pull that a kubelet reported as failed. */
interface FailedPull {
  namespace: string
  image: string
  pod: string
  message: string
  at?: string
}

/** What kubelets write of a failed pull (kubernetes, pkg/kubelet/images/image_manager.go): `Failed to pull image "web:2": ...`. */
const failure = /^Failed to pull image "([^"]+)": (.*)$/s

/** Failed pulls in a namespace, as long as the cluster keeps its events, usually an hour; none without the right to read events. */
async function failedPulls({ api }: KubernetesContext, namespace: string, signal: AbortSignal): Promise<FailedPull[]> {
  const path = `/api/v1/namespaces/${namespace}/events`
  const query = { fieldSelector: 'reason=Failed,involvedObject.kind=Pod' }
  const request = { doing: `Reading the events in ${namespace}`, path, query, signal }
  const { items } = await api.list(request, eventSchema).catch(orOn({ items: [] }, 403))
  return items.flatMap(({ message, lastTimestamp, eventTime, involvedObject }) => {
    const [, image, why] = failure.exec(message ?? '') ?? []
    const at = lastTimestamp ?? eventTime
    return image ? [{ namespace, image, message: why ?? '', pod: involvedObject.name ?? '', ...(at && { at }) }] : []
  })
}
