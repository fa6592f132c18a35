import { fingerprintOf } from '../../../support/canonical.ts'
import type { Engine } from '../engine/engine.ts'
import { parseReference, type Reference } from '../objects/reference.ts'
import type { Spec, Task } from '../objects/swarm-schemas.ts'

/** The tasks of a service, newest first. */
export async function tasksOf(engine: Engine, service: string, signal: AbortSignal): Promise<Task[]> {
  const tasks = await engine.tasks.list({ service: [service] }, signal)
  return tasks.sort((a, b) => b.CreatedAt.localeCompare(a.CreatedAt))
}

/** Under which addresses the swarm knows its nodes, and which of them this engine is. */
export async function nodeAddresses(
  engine: Engine,
  signal: AbortSignal
): Promise<{ own: string | undefined; addresses: Map<string, string> }> {
  const [nodes, { Swarm: swarm }] = await Promise.all([engine.nodes.list(signal), engine.info(signal)])
  const addresses = nodes.flatMap(({ ID, Status: { Addr } }) => (Addr ? [[ID, Addr] as const] : []))
  return { own: swarm?.NodeID, addresses: new Map(addresses) }
}

export const imageOf = (spec: Spec): string => spec.TaskTemplate.ContainerSpec.Image
export const referenceOf = (spec: Spec): Reference | null => parseReference(imageOf(spec))
export const replicasOf = (spec: Spec): number | null => spec.Mode.Replicated?.Replicas ?? null
/** A specification may contain secrets; its hash shows only that it changed. */
export const hashOf = (spec: Spec): string => fingerprintOf(spec, 32)
/** Whether two specifications differ in nothing but the image. */
export const differsInImageOnly = (a: Spec, b: Spec): boolean => hashOf(withImage(a, '')) === hashOf(withImage(b, ''))

export const withImage = (spec: Spec, image: string): Spec => ({
  ...spec,
  TaskTemplate: { ...spec.TaskTemplate, ContainerSpec: { ...spec.TaskTemplate.ContainerSpec, Image: image } }
})
