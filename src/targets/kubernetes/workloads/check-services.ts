import { z } from 'zod'
import type { Check } from '../../../model/check.ts'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { known } from '../objects/names.ts'
import { metadataSchema } from '../objects/objects.ts'
import { namespacesOf, type Workload } from '../objects/workload.ts'
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

/** Endpoints lag behind the pods. */
const lagMs = 10_000
const betweenMs = 500

/** Checks that every Service of workloads that should have pods has ready endpoints. */
export async function checkServices(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  signal: AbortSignal
): Promise<Check[]> {
  const running = workloads.filter(({ object }) => rolloutOf(object).wanted > 0)
  const namespaces = namespacesOf(running.map(({ address }) => address))
  const found = await Promise.all(namespaces.map((namespace) => servicesIn(cluster, namespace, signal)))
  const selecting = found.flat().flatMap((service) => {
    const to = running.filter((workload) => selects(service, workload))
    return to.length > 0 ? [{ service, serves: to.some(({ object }) => rolloutOf(object).available > 0) }] : []
  })
  return inParallel(selecting, 12, async ({ service: { namespace, name }, serves }) => {
    const ready = await settledEndpoints(cluster, namespace, name, serves ? lagMs : 0, signal)
    const detail = ready === null ? 'these rights do not allow reading its endpoints' : `${ready} ready endpoints`
    return {
      id: `service:${namespace}/${name}`,
      title: `Service ${name} has ready endpoints`,
      status: ready === null ? 'unknown' : ready > 0 ? 'pass' : 'fail',
      detail
    } satisfies Check
  })
}

function selects({ namespace, selector }: Found, { address, object }: Workload): boolean {
  const labels = object.spec.template.metadata?.labels ?? {}
  return (
    address.namespace === namespace &&
    selector.every(([key, value]) => key === known.rolloutHash || labels[key] === value)
  )
}

/** The number of ready endpoints, once there are any, or after the time that they may lag behind. */
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
  const path = `/api/v1/namespaces/${namespace}/services`
  const request = { doing: `Reading the Services in ${namespace}`, path, signal }
  const { items } = await api.list(request, serviceSchema).catch(orOn({ items: [] }, 403))
  return items.flatMap(({ metadata, spec }) => {
    const selector = Object.entries(spec.selector ?? {})
    return selector.length > 0 ? [{ namespace, name: metadata.name, selector }] : []
  })
}

/** From EndpointSlices where the server has them (v1, from Kubernetes 1.21 on), otherwise from Endpoints; null without the right to. */
async function readyEndpoints(
  { api }: KubernetesContext,
  namespace: string,
  name: string,
  signal: AbortSignal
): Promise<number | null> {
  const doing = `Reading the endpoints of ${name}`
  const slices = {
    path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
    query: { labelSelector: `kubernetes.io/service-name=${name}` }
  }
  const found = await api.list({ doing, ...slices, signal }, sliceSchema).catch(orOn(null, 403, 404))
  if (found)
    return found.items
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false).length
  const path = `/api/v1/namespaces/${namespace}/endpoints/${name}`
  const older = await api.find({ doing, path, signal }, endpointsSchema).catch(orOn('forbidden' as const, 403))
  if (older === 'forbidden') return null
  return (older?.subsets ?? []).reduce((sum, { addresses }) => sum + (addresses?.length ?? 0), 0)
}
