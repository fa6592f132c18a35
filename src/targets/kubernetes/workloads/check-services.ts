import { z } from 'zod'
import type { Check } from '../../../model/check.ts'
import { isRollout } from '../argo/state.ts'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { shortText } from '../objects/names.ts'
import { metadataSchema, type Template } from '../objects/objects.ts'
import { pinnedFrom } from '../objects/pins.ts'
import { leadsTo, mismatchOf, type Service, selects, servicesIn } from '../objects/services.ts'
import { namespacesOf, type Workload } from '../objects/workload.ts'
import { currentPods, rolloutOf } from './health.ts'

const portsSchema = z.array(z.looseObject({ name: z.string().nullish() })).nullish()
const targetSchema = z.looseObject({ name: z.string().nullish() }).nullish()

const sliceSchema = z.looseObject({
  metadata: metadataSchema,
  ports: portsSchema,
  endpoints: z
    .array(
      z.looseObject({
        conditions: z.looseObject({ ready: z.boolean().nullish() }).nullish(),
        targetRef: targetSchema
      })
    )
    .nullish()
})

const endpointsSchema = z.looseObject({
  subsets: z
    .array(
      z.looseObject({ ports: portsSchema, addresses: z.array(z.looseObject({ targetRef: targetSchema })).nullish() })
    )
    .nullish()
})

/** Endpoints lag behind the pods. */
const lagMs = 10_000
const betweenMs = 500

/** A Service, and the workloads whose pods it should lead to. */
interface Way {
  service: Service
  to: Workload[]
}

/**
 * Checks that every Service of workloads that should have pods leads to pods of each, on every port: also one that selected only
 * the version that was rolled back from.
 */
export async function checkServices(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  signal: AbortSignal
): Promise<Check[]> {
  const running = workloads.filter(({ object }) => rolloutOf(object).wanted > 0)
  const namespaces = namespacesOf(running.map(({ address }) => address))
  const found = await Promise.all(namespaces.map((namespace) => servicesIn(cluster, namespace, signal)))
  const ways = found.flat().flatMap((service): Way[] => {
    const to = running.filter((workload) => isOf(service, workload))
    return to.length > 0 ? [{ service, to }] : []
  })
  return inParallel(ways, 12, async (way) => {
    const { namespace, name } = way.service
    const lack = await settledLack(cluster, way, signal)
    return {
      id: `service:${namespace}/${name}`,
      title: `Service ${name} has ready endpoints`,
      status: lack === null ? 'unknown' : lack.isMissing ? 'fail' : 'pass',
      detail: lack === null ? 'these rights do not allow reading its endpoints' : lack.detail
    } satisfies Check
  })
}

/** The template that a workload was rolled back from: its former revision, where that is younger than the present one. */
function failedTemplate(workload: Workload): Template | undefined {
  const { current, revisions } = workload
  const createdAt = (pinnedFrom(workload) ?? current)?.createdAt ?? ''
  const former = revisions.find(({ number }) => current && number < current.number)
  return former && (former.createdAt ?? '') > createdAt ? former.template : undefined
}

const templatesOf = (workload: Workload): Template[] => [
  workload.object.spec.template,
  ...[failedTemplate(workload)].filter((template) => template !== undefined)
]

const isOf = (service: Service, workload: Workload): boolean =>
  workload.address.namespace === service.namespace &&
  templatesOf(workload).some((template) => selects(service, template))

/** The ready endpoints, and what a Service lacks, once that is nothing or endpoints had time; null without the right to read them. */
async function settledLack(
  cluster: KubernetesContext,
  way: Way,
  signal: AbortSignal
): Promise<{ isMissing: boolean; detail: string } | null> {
  const { clock } = cluster
  const serves = way.to.some(({ object }) => rolloutOf(object).available > 0)
  const until = clock.now().getTime() + (serves ? lagMs : 0)
  for (;;) {
    const endpoints = await readyEndpoints(cluster, way.service, signal)
    if (!endpoints) return null
    const [why] = way.to.flatMap((workload) => lackOf(cluster, way.service, workload, endpoints) ?? [])
    if (why === undefined || clock.now().getTime() >= until)
      return { isMissing: why !== undefined, detail: `${endpoints.length} ready endpoints${why ? `; ${why}` : ''}` }
    await clock.sleep(betweenMs, signal)
  }
}

/** Why none of the ready endpoints is a pod of a workload, on some port; empty if there is none at all, null if each port has one. */
function lackOf(
  cluster: KubernetesContext,
  service: Service,
  workload: Workload,
  endpoints: readonly Endpoint[]
): string | null {
  const [present, failed] = templatesOf(workload)
  // A port that led nowhere before leads nowhere still.
  const ports = service.ports.filter((port) => !failed || [present, failed].some((one) => one && leadsTo(port, one)))
  if (service.ports.length > 0 && ports.length === 0) return null
  const names =
    workload.pods === null || isRollout(workload.object)
      ? null
      : new Set(currentPods(workload).map(({ metadata }) => metadata.name))
  const its = endpoints.filter(({ pod }) => !names || !pod || names.has(pod))
  const without = ports.find(({ name }) => !its.some((one) => one.ports.includes(name ?? '')))
  if (its.length > 0 && !without) return null
  const mismatch = present && mismatchOf(cluster, service, present, failed)
  if (endpoints.length === 0 && !mismatch) return ''
  const where = its.length > 0 && without ? ` on port ${without.port}` : ''
  return `none is a pod of ${shortText(workload.address)}${where}${mismatch ? `: ${mismatch.what}. To correct it: "${mismatch.command}"` : ''}`
}

/** A ready endpoint: its pod, if it names one, and the names of the Service's ports that it serves. */
interface Endpoint {
  pod: string | null | undefined
  ports: string[]
}

/** From EndpointSlices where the server has them (v1, from Kubernetes 1.21 on), otherwise from Endpoints; null without the right to. */
async function readyEndpoints(
  { api }: KubernetesContext,
  { namespace, name }: Service,
  signal: AbortSignal
): Promise<Endpoint[] | null> {
  const doing = `Reading the endpoints of ${name}`
  const named = (ports: z.infer<typeof portsSchema>): string[] => (ports ?? []).map((port) => port.name ?? '')
  const slices = {
    path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
    query: { labelSelector: `kubernetes.io/service-name=${name}` }
  }
  const found = await api.list({ doing, ...slices, signal }, sliceSchema).catch(orOn(null, 403, 404))
  if (found)
    return found.items.flatMap(({ endpoints, ports }) =>
      (endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready !== false)
        .map(({ targetRef }) => ({ pod: targetRef?.name, ports: named(ports) }))
    )
  const path = `/api/v1/namespaces/${namespace}/endpoints/${name}`
  const older = await api.find({ doing, path, signal }, endpointsSchema).catch(orOn('forbidden' as const, 403))
  if (older === 'forbidden') return null
  return (older?.subsets ?? []).flatMap(({ addresses, ports }) =>
    (addresses ?? []).map(({ targetRef }) => ({ pod: targetRef?.name, ports: named(ports) }))
  )
}
