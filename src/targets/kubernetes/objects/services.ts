import { z } from 'zod'
import { orOn } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import { known } from './names.ts'
import { metadataSchema, part, type Template } from './objects.ts'

const portSchema = z.looseObject({
  name: z.string().nullish(),
  port: z.number(),
  targetPort: z.union([z.number(), z.string()]).nullish()
})
type ServicePort = z.infer<typeof portSchema>

const serviceSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z
    .looseObject({
      selector: z.record(z.string(), z.string()).nullish(),
      ports: z.array(portSchema).nullish()
    })
    .default({})
})

/** A Service that selects pods. */
export interface Service {
  namespace: string
  name: string
  selector: [string, string][]
  ports: ServicePort[]
}

/** The Services of a namespace that select pods; none without the right to list them. */
export async function servicesIn(
  { api }: KubernetesContext,
  namespace: string,
  signal: AbortSignal
): Promise<Service[]> {
  const path = `/api/v1/namespaces/${namespace}/services`
  const request = { doing: `Reading the Services in ${namespace}`, path, signal }
  const { items } = await api.list(request, serviceSchema).catch(orOn({ items: [] }, 403))
  return items.flatMap(({ metadata, spec }) => {
    // Argo Rollouts sets its own label in the selectors of the Services that it switches.
    const selector = Object.entries(spec.selector ?? {}).filter(([key]) => key !== known.rolloutHash)
    return selector.length > 0 ? [{ namespace, name: metadata.name, selector, ports: spec.ports ?? [] }] : []
  })
}

/** The labels that a Service selects by and that pods of a template do not have. */
export const unmetLabels = ({ selector }: Service, { metadata }: Template): [string, string][] =>
  selector.filter(([key, value]) => metadata?.labels?.[key] !== value)

export const selects = (service: Service, template: Template): boolean => unmetLabels(service, template).length === 0

const containerPorts = z
  .array(z.looseObject({ name: z.string().nullish(), containerPort: z.number() }))
  .nullish()
  .catch(null)
const sidecar = part({ restartPolicy: z.literal('Always') })

/** The ports of a template's containers that have a name; of init containers, those that keep running. */
export const namedPorts = ({ spec }: Template): { name: string; number: number }[] =>
  [...spec.containers, ...(spec.initContainers ?? []).filter((one) => sidecar.safeParse(one).success)].flatMap(
    ({ ports }) =>
      (containerPorts.parse(ports) ?? []).flatMap(({ name, containerPort }) =>
        name ? [{ name, number: containerPort }] : []
      )
  )

/** Whether a Service's port leads to a port of the template; one that is a number leads there always. */
export const leadsTo = ({ targetPort }: ServicePort, template: Template): boolean =>
  typeof targetPort !== 'string' || namedPorts(template).some(({ name }) => name === targetPort)

/** What a Service wants and a template does not have, and the command that makes it lead there; null where it leads there. */
export function mismatchOf(
  { kubectl }: KubernetesContext,
  service: Service,
  template: Template,
  failed: Template = template
): { what: string; command: string } | null {
  const patch = `${kubectl} -n ${service.namespace} patch service ${service.name}`
  const labels = unmetLabels(service, template)
  if (labels.length > 0) {
    const has = labels.map(([key]) => [key, template.metadata?.labels?.[key] ?? null] as const)
    const text = has.map(([key, value]) => (value === null ? `no ${key}` : `${key}=${value}`)).join(', ')
    return {
      what: `its selector wants ${labels.map((label) => label.join('=')).join(', ')}; the pods have ${text}`,
      command: `${patch} -p '${JSON.stringify({ spec: { selector: Object.fromEntries(has) } })}'`
    }
  }
  const lost = service.ports.flatMap((port, index) =>
    leadsTo(port, failed) && !leadsTo(port, template) ? [{ port, index }] : []
  )
  if (lost.length === 0) return null
  const ports = namedPorts(template)
  const changes = lost.map(({ port, index }) => {
    const before = namedPorts(failed).find(({ name }) => name === port.targetPort)
    const same = ports.find(({ number }) => number === before?.number) ?? ports[0]
    return { op: 'replace', path: `/spec/ports/${index}/targetPort`, value: same?.name ?? before?.number ?? port.port }
  })
  return {
    what: `its port ${lost.map(({ port }) => `${port.port} wants the container port ${port.targetPort}`).join(', ')}; the pods have ${
      ports.map(({ name, number }) => `${name} (${number})`).join(', ') || 'no named port'
    }`,
    command: `${patch} --type=json -p '${JSON.stringify(changes)}'`
  }
}
