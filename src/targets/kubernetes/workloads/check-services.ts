import { z } from 'zod'
import type { Check } from '../../../model/check.ts'
import { isStatus } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { known } from '../objects/names.ts'
import { metadataSchema } from '../objects/objects.ts'
import type { Workload } from '../objects/workload.ts'
import { rolloutOf } from './health.ts'

const serviceSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({ selector: z.record(z.string(), z.string()).nullish() }).default({})
})

const sliceSchema = z.looseObject({
  metadata: metadataSchema,
  endpoints: z.array(z.looseObject({ conditions: z.looseObject({ ready: z.boolean().nullish() }).nullish() })).nullish()
})

const endpointsSchema = z.looseObject({
  subsets: z.array(z.looseObject({ addresses: z.array(z.unknown()).nullish() })).nullish()
})

/** Endpoints follow the pods a while later. */
const lagMs = 10_000
const betweenMs = 500

/** Every Service that leads to workloads which are to have pods has endpoints that are ready. */
export async function checkServices(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  signal: AbortSignal
): Promise<Check[]> {
  const running = workloads.filter(({ object }) => rolloutOf(object).wanted > 0)
  const namespaces = [...new Set(running.map(({ address }) => address.namespace))]
  const found = await Promise.all(namespaces.map((namespace) => servicesIn(cluster, namespace, signal)))
  const leading = found.flat().flatMap((service) => {
    const to = running.filter((workload) => leadsTo(service, workload))
    return to.length > 0 ? [{ service, serves: to.some(({ object }) => rolloutOf(object).available > 0) }] : []
  })
  return inParallel(leading, 12, async ({ service: { namespace, name }, serves }) => {
    const ready = await settledEndpoints(cluster, namespace, name, serves ? lagMs : 0, signal)
    const detail = ready === null ? 'its endpoints may not be read with these rights' : `${ready} ready endpoints`
    return {
      id: `service:${namespace}/${name}`,
      title: `Service ${name} has ready endpoints`,
      status: ready === null ? 'unknown' : ready > 0 ? 'pass' : 'fail',
      detail
    } satisfies Check
  })
}

function leadsTo({ namespace, selector }: Found, { address, object }: Workload): boolean {
  const labels = object.spec.template.metadata?.labels ?? {}
  return (
    address.namespace === namespace &&
    selector.every(([key, value]) => key === known.rolloutHash || labels[key] === value)
  )
}

/** The ready endpoints, once there are any, or none have come for as long as they may lag behind. */
async function settledEndpoints(
  cluster: KubernetesContext,
  namespace: string,
  name: string,
  patienceMs: number,
  signal: AbortSignal
): Promise<number | null> {
  const { clock } = cluster
  const until = clock.now().getTime() + patienceMs
  for (;;) {
    const ready = await readyEndpoints(cluster, namespace, name, signal)
    if (ready !== 0 || clock.now().getTime() >= until) return ready
    await clock.sleep(betweenMs, signal)
  }
}

interface Found {
  namespace: string
  name: string
  selector: [string, string][]
}

async function servicesIn({ api }: KubernetesContext, namespace: string, signal: AbortSignal): Promise<Found[]> {
  try {
    const path = `/api/v1/namespaces/${namespace}/services`
    const { items } = await api.list({ doing: `Reading the Services in ${namespace}`, path, signal }, serviceSchema)
    return items.flatMap(({ metadata, spec }) => {
      const selector = Object.entries(spec.selector ?? {})
      return selector.length > 0 ? [{ namespace, name: metadata.name, selector }] : []
    })
  } catch (error) {
    if (isStatus(error, 403)) return []
    throw error
  }
}

/** From EndpointSlices where the server has them (v1, from Kubernetes 1.21 on), else from Endpoints. */
async function readyEndpoints(
  { api }: KubernetesContext,
  namespace: string,
  name: string,
  signal: AbortSignal
): Promise<number | null> {
  try {
    const slices = await api
      .list(
        {
          doing: `Reading the endpoints of ${name}`,
          path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
          query: { labelSelector: `kubernetes.io/service-name=${name}` },
          signal
        },
        sliceSchema
      )
      .catch((error: unknown) => {
        if (isStatus(error, 403, 404)) return null
        throw error
      })
    if (slices)
      return slices.items
        .flatMap(({ endpoints }) => endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready !== false).length
    const path = `/api/v1/namespaces/${namespace}/endpoints/${name}`
    const endpoints = await api.find({ doing: `Reading the endpoints of ${name}`, path, signal }, endpointsSchema)
    return (endpoints?.subsets ?? []).reduce((sum, { addresses }) => sum + (addresses?.length ?? 0), 0)
  } catch (error) {
    if (isStatus(error, 403)) return null
    throw error
  }
}
