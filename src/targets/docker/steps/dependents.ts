import { z } from 'zod'
import type { Step } from '../../../model/step.ts'
import type { StepResult } from '../../target.ts'
import { ownedBy } from '../compose/labels.ts'
import { type Container, type ContainerSummary, listContainers, nameOf } from '../inspect.ts'
import { baseName } from '../workload.ts'
import type { Workshop } from '../workshop.ts'

const paramsSchema = z.looseObject({ replaced: z.array(z.looseObject({ id: z.string(), name: z.string() })) })

/** Containers that live in the network of another one. */
export const dependentsOf = (id: string, all: readonly ContainerSummary[]): ContainerSummary[] =>
  all.filter(({ HostConfig }) => HostConfig?.NetworkMode === `container:${id}`)

/** How a person gives a dependent the network of what has taken the place of the old container. */
export function rejoinByHand(dependent: ContainerSummary, name: string): string {
  const owned = ownedBy(dependent.Labels)
  if (!owned) return `create ${nameOf(dependent)} anew with --network container:${name}`
  const files = owned.files.flatMap((file) => ['-f', file]).join(' ')
  return `docker compose -p ${owned.project} ${files ? `${files} ` : ''}up -d --no-deps --force-recreate ${owned.service}`
}

/** After the containers: which others have lost their network, and how each gets it back. None without dependents. */
export function dependentSteps(containers: readonly Container[], all: readonly ContainerSummary[]): Step[] {
  const replaced = containers
    .filter(({ Id }) => dependentsOf(Id, all).length > 0)
    .map(({ Id, Name }) => ({ id: Id, name: baseName(Name) }))
  if (replaced.length === 0) return []
  return [
    {
      id: 'dependents',
      kind: 'dependents',
      phase: 'aftercare',
      title: `Looking which containers have lost their network with the old ${replaced.map(({ name }) => name).join(', ')}`,
      params: { replaced },
      undo: null
    }
  ]
}

export async function applyDependents(
  workshop: Workshop,
  step: Step,
  { signal }: { signal: AbortSignal }
): Promise<StepResult> {
  const { replaced } = paramsSchema.parse(step.params)
  const all = await listContainers(workshop.engine, { signal })
  const manual = replaced.flatMap(({ id, name }) =>
    dependentsOf(id, all).map(
      (dependent) =>
        `${nameOf(dependent)} has lost its network with the old ${name}. By hand: ${rejoinByHand(dependent, name)}`
    )
  )
  if (manual.length === 0) return { detail: 'none has' }
  return { detail: `${manual.length} ${manual.length === 1 ? 'has' : 'have'}`, manual }
}
