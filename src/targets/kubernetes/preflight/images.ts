import { z } from 'zod'
import type { Risk } from '../../../model/observation.ts'
import { oneLine } from '../../../support/text.ts'
import { isStatus } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { eventSchema, metadataSchema, type Template } from '../objects/objects.ts'
import { isOf } from '../objects/pods.ts'
import type { Way } from '../workloads/plan.ts'
import { examinePullSecrets } from './references.ts'

const nodeSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({ unschedulable: z.boolean().nullish() }).default({}),
  status: z
    .looseObject({ images: z.array(z.looseObject({ names: z.array(z.string()).nullish() })).nullish() })
    .default({})
})

/** The names of the images that each node has, as far as nodes say (a kubelet names its largest fifty); null when nodes may not be read. */
type Nodes = Set<string>[] | null

/** Whether the images of the old templates can still be had, where the cluster knows that. No registry is asked. */
export async function examineImages(
  cluster: KubernetesContext,
  ways: readonly Way[],
  signal: AbortSignal
): Promise<Risk[]> {
  if (ways.length === 0) return []
  const namespaces = [...new Set(ways.map(({ move }) => move.namespace))]
  const [nodes, pulls, secrets] = await Promise.all([
    readNodes(cluster, signal),
    inParallel(namespaces, 12, async (namespace) => ({
      namespace,
      failed: await failedPulls(cluster, namespace, signal)
    })),
    examinePullSecrets(cluster, ways, signal)
  ])
  const risks = new Map<string, Risk>()
  const unknown = new Set<string>()
  for (const way of ways) {
    const failed = pulls.find(({ namespace }) => namespace === way.move.namespace)?.failed ?? []
    for (const image of imagesOf(way.revision.template)) {
      const risk = judge(image, way, nodes, failed)
      if (risk === 'unknown') unknown.add(image.name)
      else if (risk) risks.set(risk.id, risk)
    }
  }
  return [...risks.values(), ...secrets, ...(unknown.size > 0 ? [unverified([...unknown], nodes)] : [])]
}

interface Image {
  name: string
  policy: 'Always' | 'IfNotPresent' | 'Never'
}

const policySchema = z.enum(['Always', 'IfNotPresent', 'Never'])

/** The API server has written the policy into every template; a pod of the tag "latest" is pulled anew. */
function imagesOf({ spec }: Template): Image[] {
  const all = [...spec.containers, ...(spec.initContainers ?? [])].map(({ image, imagePullPolicy }) => ({
    name: image,
    policy: policySchema.catch(/:latest$|^[^:@]+$/.test(image) ? 'Always' : 'IfNotPresent').parse(imagePullPolicy)
  }))
  return [...new Map(all.map((one) => [`${one.name} ${one.policy}`, one])).values()]
}

function judge(
  { name, policy }: Image,
  way: Way,
  nodes: Nodes,
  failed: readonly FailedPull[]
): Risk | 'unknown' | null {
  const having = nodes?.filter((names) => names.has(fullName(name))).length ?? 0
  const everywhere = nodes !== null && nodes.length > 0 && having === nodes.length
  if (everywhere && policy !== 'Always') return null
  const pull = failed.find(({ image }) => image === name)
  if (pull)
    return {
      id: `image_pull_failed:${name}`,
      serious: true,
      title: `The image ${name} could not be pulled`,
      detail: oneLine(`${pull.pod}${pull.at ? ` at ${pull.at}` : ''}: ${pull.message}`, 400)
    }
  if (policy === 'Never')
    return nodes === null
      ? 'unknown'
      : {
          id: `image_absent:${name}`,
          serious: true,
          title: `The image ${name} is on ${having} of ${nodes.length} nodes and is never pulled`,
          detail: 'imagePullPolicy is Never, so pods start only where a node has it already.'
        }
  return runsNow(way, name) && policy !== 'Always' ? null : 'unknown'
}

/** A pod of that very revision runs it now, so a node has it. */
const runsNow = ({ workload, move }: Way, name: string): boolean =>
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
        : 'not every node says that it has it, or it is pulled anew each time'
    }, and the registry is not asked.`,
    500
  )
})

async function readNodes({ api }: KubernetesContext, signal: AbortSignal): Promise<Nodes> {
  try {
    const { items } = await api.list({ doing: 'Reading the nodes', path: '/api/v1/nodes', signal }, nodeSchema)
    return items
      .filter(({ spec }) => !spec.unschedulable)
      .map(({ status }) => new Set((status.images ?? []).flatMap(({ names }) => (names ?? []).map(fullName))))
  } catch (error) {
    if (isStatus(error, 403)) return null
    throw error
  }
}

/** One spelling for the many of an image: with its registry, and with the digest alone where there is one (distribution/reference). */
export function fullName(image: string): string {
  const [named = '', digest] = image.split('@')
  const tag = /:[\w][\w.-]*$/.exec(named)?.[0]
  const path = tag ? named.slice(0, -tag.length) : named
  const [first = ''] = path.split('/')
  const hasRegistry = path.includes('/') && (/[.:]/.test(first) || first === 'localhost')
  const whole = hasRegistry ? path : `docker.io/${path.includes('/') ? '' : 'library/'}${path}`
  return digest ? `${whole}@${digest}` : `${whole}${tag ?? ':latest'}`
}

/** A pull that a kubelet reported as failed. */
export interface FailedPull {
  image: string
  pod: string
  message: string
  at?: string
}

/** What kubelets say of a failed pull (kubernetes, pkg/kubelet/images/image_manager.go): `Failed to pull image "web:2": ...`. */
const failure = /^Failed to pull image "([^"]+)": (.*)$/s

/** Failed pulls in a namespace as long as the cluster keeps its events, usually an hour; none where events may not be read. */
export async function failedPulls(
  { api }: KubernetesContext,
  namespace: string,
  signal: AbortSignal
): Promise<FailedPull[]> {
  try {
    const { items } = await api.list(
      {
        doing: `Reading the events in ${namespace}`,
        path: `/api/v1/namespaces/${namespace}/events`,
        query: { fieldSelector: 'reason=Failed,involvedObject.kind=Pod' },
        signal
      },
      eventSchema
    )
    return items.flatMap(({ message, lastTimestamp, eventTime, involvedObject }) => {
      const [, image, why] = failure.exec(message ?? '') ?? []
      const at = lastTimestamp ?? eventTime
      return image ? [{ image, message: why ?? '', pod: involvedObject.name ?? '', ...(at && { at }) }] : []
    })
  } catch (error) {
    if (isStatus(error, 403)) return []
    throw error
  }
}
