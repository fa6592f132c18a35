import { z } from 'zod'
import { fingerprintOf } from '../../../support/canonical.ts'
import { type CallOptions, type Engine, EngineError } from '../engine/client.ts'
import { parseReference, type Reference } from '../objects/reference.ts'

const updateConfigSchema = z.looseObject({
  Parallelism: z.number().optional(),
  Order: z.string().optional(),
  FailureAction: z.string().optional(),
  /** Nanoseconds. */
  Delay: z.number().optional(),
  Monitor: z.number().optional()
})

/** A service's specification (docs.docker.com/reference/api/engine, Service); everything in it is kept. */
export const specSchema = z.looseObject({
  Name: z.string(),
  Labels: z.record(z.string(), z.string()).nullish(),
  TaskTemplate: z.looseObject({
    ContainerSpec: z.looseObject({
      Image: z.string(),
      Env: z.array(z.string()).nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
      /** Nanoseconds. */
      StopGracePeriod: z.number().nullish()
    })
  }),
  Mode: z.looseObject({
    Replicated: z.looseObject({ Replicas: z.number().optional() }).nullish(),
    Global: z.looseObject({}).nullish()
  }),
  UpdateConfig: updateConfigSchema.nullish(),
  RollbackConfig: updateConfigSchema.nullish()
})

const portSchema = z.looseObject({
  Protocol: z.string().optional(),
  PublishedPort: z.number().optional(),
  PublishMode: z.string().optional()
})

const serviceSchema = z.looseObject({
  ID: z.string(),
  Version: z.looseObject({ Index: z.number() }),
  CreatedAt: z.string(),
  UpdatedAt: z.string(),
  Spec: specSchema,
  PreviousSpec: specSchema.nullish(),
  Endpoint: z.looseObject({ Ports: z.array(portSchema).nullish() }).nullish(),
  UpdateStatus: z.looseObject({ State: z.string().optional(), Message: z.string().optional() }).nullish()
})

const taskSchema = z.looseObject({
  ID: z.string(),
  Slot: z.number().optional(),
  NodeID: z.string().optional(),
  CreatedAt: z.string(),
  Spec: z.looseObject({ ContainerSpec: z.looseObject({ Image: z.string() }) }),
  DesiredState: z.string(),
  Status: z.looseObject({
    Timestamp: z.string(),
    State: z.string(),
    Message: z.string().optional(),
    Err: z.string().optional(),
    ContainerStatus: z.looseObject({ ContainerID: z.string().optional(), ExitCode: z.number().optional() }).nullish(),
    PortStatus: z.looseObject({ Ports: z.array(portSchema).nullish() }).nullish()
  })
})

export type Port = z.infer<typeof portSchema>
export type Spec = z.infer<typeof specSchema>
export type Service = z.infer<typeof serviceSchema>
export type Task = z.infer<typeof taskSchema>

/** A service by name or id; null when there is none, or the engine manages no swarm. */
export async function inspectService(engine: Engine, name: string, signal: AbortSignal): Promise<Service | null> {
  try {
    return await engine.call('GET', `/services/${encodeURIComponent(name)}`, serviceSchema, { signal })
  } catch (error) {
    if (error instanceof EngineError && (error.status === 404 || error.status === 503)) return null
    throw error
  }
}

export const listServices = (engine: Engine, options: CallOptions): Promise<Service[]> =>
  engine.call('GET', '/services', z.array(serviceSchema), options)

/** The tasks of a service, newest first. */
export async function tasksOf(engine: Engine, service: string, signal: AbortSignal): Promise<Task[]> {
  const query = { filters: JSON.stringify({ service: [service] }) }
  const tasks = await engine.call('GET', '/tasks', z.array(taskSchema), { query, signal })
  return tasks.sort((a, b) => b.CreatedAt.localeCompare(a.CreatedAt))
}

/** Whether the engine manages a swarm. */
export async function managesSwarm(engine: Engine, signal: AbortSignal): Promise<boolean> {
  const info = z.looseObject({ Swarm: z.looseObject({ ControlAvailable: z.boolean().optional() }).nullish() })
  return (await engine.call('GET', '/info', info, { signal })).Swarm?.ControlAvailable === true
}

/** How many nodes take tasks. */
export async function activeNodes(engine: Engine, signal: AbortSignal): Promise<number> {
  const node = z.looseObject({
    Spec: z.looseObject({ Availability: z.string().optional() }),
    Status: z.looseObject({ State: z.string().optional() })
  })
  const nodes = await engine.call('GET', '/nodes', z.array(node), { signal })
  return nodes.filter(({ Spec, Status }) => Spec.Availability === 'active' && Status.State === 'ready').length
}

/** Under which addresses the swarm knows its nodes, and which of them is the one that is asked. */
export async function nodeAddresses(
  engine: Engine,
  signal: AbortSignal
): Promise<{ own: string | undefined; addresses: Map<string, string> }> {
  const node = z.looseObject({ ID: z.string(), Status: z.looseObject({ Addr: z.string().optional() }) })
  const info = z.looseObject({ Swarm: z.looseObject({ NodeID: z.string().optional() }).nullish() })
  const [nodes, { Swarm: swarm }] = await Promise.all([
    engine.call('GET', '/nodes', z.array(node), { signal }),
    engine.call('GET', '/info', info, { signal })
  ])
  const addresses = nodes.flatMap(({ ID, Status: { Addr } }) => (Addr ? [[ID, Addr] as const] : []))
  return { own: swarm?.NodeID, addresses: new Map(addresses) }
}

export const imageOf = (spec: Spec): string => spec.TaskTemplate.ContainerSpec.Image
export const referenceOf = (spec: Spec): Reference | null => parseReference(imageOf(spec))
export const replicasOf = (spec: Spec): number | null => spec.Mode.Replicated?.Replicas ?? null
/** Secret values may stand in a specification; its hash tells changes and nothing else. */
export const hashOf = (spec: Spec): string => fingerprintOf(spec, 32)
/** Whether two specifications differ in nothing but the image. */
export const differsInImageOnly = (a: Spec, b: Spec): boolean => hashOf(withImage(a, '')) === hashOf(withImage(b, ''))

export const withImage = (spec: Spec, image: string): Spec => ({
  ...spec,
  TaskTemplate: { ...spec.TaskTemplate, ContainerSpec: { ...spec.TaskTemplate.ContainerSpec, Image: image } }
})
