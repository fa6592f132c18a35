import { z } from 'zod'
import type { Risk } from '../../../model/observation.ts'
import { orOn } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { shortText } from '../objects/names.ts'
import { metadataSchema, part, selectorSchema, type Template } from '../objects/objects.ts'
import { matches } from '../objects/selector.ts'
import { leadsTo, mismatchOf, namedPorts, type Service, selects, servicesIn } from '../objects/services.ts'
import { namespacesOf } from '../objects/workload.ts'
import { type Findings, joined } from './findings.ts'

const backend = part({ service: part({ name: z.string() }) })
const ingressSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z
    .looseObject({
      defaultBackend: backend,
      rules: z.array(z.looseObject({ http: part({ paths: z.array(z.looseObject({ backend })) }) })).nullish()
    })
    .default({})
})
type Ingress = z.infer<typeof ingressSchema>

/** Of the Prometheus operator (pkg/apis/monitoring/v1/podmonitor_types.go). */
const podMonitorSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({
    selector: selectorSchema.default({}),
    podMetricsEndpoints: z.array(z.looseObject({ port: z.string().nullish() })).nullish()
  })
})
type PodMonitor = z.infer<typeof podMonitorSchema>

/** What leads to pods of the failed templates, held against the old ones: Services with their Ingresses, and PodMonitors. */
export async function examineTraffic(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  signal: AbortSignal
): Promise<Findings> {
  const each = namespacesOf(changes.map(({ move }) => move)).map(async (namespace) => {
    const list = async <T>(what: string, api: string, schema: z.ZodType<T>): Promise<T[]> => {
      const path = `/apis/${api}/namespaces/${namespace}/${what}`
      const request = { doing: `Reading the ${what} in ${namespace}`, path, signal }
      return (await cluster.api.list(request, schema).catch(orOn({ items: [] }, 403, 404))).items
    }
    const [services, ingresses, monitors] = await Promise.all([
      servicesIn(cluster, namespace, signal),
      list('ingresses', 'networking.k8s.io/v1', ingressSchema),
      list('podmonitors', 'monitoring.coreos.com/v1', podMonitorSchema)
    ])
    return changes
      .filter(({ move }) => move.namespace === namespace)
      .flatMap((change) => [
        ...services.map((service) => serviceFindings(cluster, service, ingresses, change)),
        ...monitors.map((monitor) => ({ risks: monitorRisks(monitor, change) }))
      ])
  })
  return joined((await Promise.all(each)).flat())
}

function serviceFindings(
  cluster: KubernetesContext,
  service: Service,
  ingresses: readonly Ingress[],
  { workload, revision }: WorkloadChange
): Partial<Findings> {
  const failed = workload.object.spec.template
  if (!selects(service, failed)) return {}
  const name = shortText(workload.address)
  const nowhere = service.ports
    .filter((port) => !leadsTo(port, failed) && !leadsTo(port, revision.template))
    .map(
      ({ port, targetPort }) =>
        `Port ${port} of the Service ${service.name} leads nowhere, before and after the rollback: ${name} has no container port ${targetPort}.`
    )
  const mismatch = mismatchOf(cluster, service, revision.template, failed)
  if (!mismatch) return { notes: nowhere }
  const through = ingresses.filter((ingress) => backendsOf(ingress).includes(service.name))
  return {
    notes: nowhere,
    risks: [
      {
        id: `leads_nowhere:services/${service.namespace}/${service.name}`,
        serious: true,
        title: `The Service ${service.name} will not lead to revision ${revision.number} of ${name}${
          through.length > 0 ? `, nor will the Ingress ${through.map(({ metadata }) => metadata.name).join(', ')}` : ''
        }`,
        detail: `With the old template, ${mismatch.what}. Correct it right before the rollback: "${mismatch.command}".`
      }
    ]
  }
}

const backendsOf = ({ spec }: Ingress): string[] =>
  [
    spec.defaultBackend,
    ...(spec.rules ?? []).flatMap(({ http }) => (http?.paths ?? []).map((path) => path.backend))
  ].flatMap((one) => one?.service?.name ?? [])

function monitorRisks({ metadata, spec }: PodMonitor, { workload, revision }: WorkloadChange): Risk[] {
  const isFollowed = (template: Template): boolean => matches(spec.selector, template.metadata?.labels ?? {})
  const failed = workload.object.spec.template
  if (!isFollowed(failed)) return []
  const has = (template: Template, port: string): boolean => namedPorts(template).some(({ name }) => name === port)
  const lost = (spec.podMetricsEndpoints ?? []).flatMap(({ port }) =>
    port && has(failed, port) && !has(revision.template, port) ? [port] : []
  )
  const followed = isFollowed(revision.template)
  if (followed && lost.length === 0) return []
  return [
    {
      id: `unmonitored:podmonitors/${workload.address.namespace}/${metadata.name}`,
      serious: true,
      title: `The PodMonitor ${metadata.name} will not follow revision ${revision.number} of ${shortText(workload.address)}`,
      detail: `${followed ? `The old template has no port ${lost.join(', ')}` : 'Its selector does not match the labels of the old template'}, so metrics and alerts end. Correct the PodMonitor.`
    }
  ]
}
