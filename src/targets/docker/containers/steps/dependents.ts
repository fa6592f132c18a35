import { z } from 'zod'
import type { Step } from '../../../../model/step.ts'
import { defineStep } from '../../../define-step.ts'
import type { Move, StepResult } from '../../../target.ts'
import { ownedBy } from '../../compose/labels.ts'
import type { DockerContext } from '../../context.ts'
import { throughRestarts } from '../../engine/restarts.ts'
import { baseName } from '../../objects/names.ts'
import { containerNamePattern } from '../../objects/reference.ts'
import type { Container, ContainerSummary, HostConfig } from '../../objects/schemas.ts'
import { shellWord } from '../../objects/shell-word.ts'
import type { ContainersState } from '../observe/observe.ts'

const idSchema = z.string().regex(/^[a-f0-9]{64}$/)

/** A container that is replaced. */
const replacedSchema = z.object({ id: idSchema, name: z.string().regex(containerNamePattern) })
type Replaced = z.infer<typeof replacedSchema>

/** What one container may have of another one, and what becomes of that with the other. */
interface Bond {
  uses: string
  loses: string
  option: string
  mode(host: HostConfig): string | undefined
}

const bonds: Bond[] = [
  { uses: 'the network', loses: 'its network', option: '--network', mode: ({ NetworkMode }) => NetworkMode },
  { uses: 'the processes', loses: 'all its processes', option: '--pid', mode: ({ PidMode }) => PidMode },
  { uses: 'the shared memory', loses: 'its shared memory', option: '--ipc', mode: ({ IpcMode }) => IpcMode }
]

/** A container that depends on a replaced one. */
export interface Dependent {
  id: string
  name: string
  on: Replaced
  uses: string
  loses: string
  /** How a person connects it to the replacement. */
  rejoin: string
}

/** The containers that depend on replaced ones: by their network, processes, shared memory or a link. */
export async function findDependents(
  docker: DockerContext,
  replaced: readonly Replaced[],
  all: readonly ContainerSummary[],
  signal: AbortSignal
): Promise<Dependent[]> {
  const others = all.filter(({ Id }) => !replaced.some(({ id }) => id === Id))
  const found: Dependent[] = []
  for (let at = 0; at < others.length; at += inspectedAtOnce) {
    const batch = others.slice(at, at + inspectedAtOnce)
    const inspected = await Promise.all(batch.map(({ Id }) => docker.engine.containers.inspect(Id, signal)))
    found.push(...inspected.flatMap((other) => (other ? dependenceOf(other, replaced) : [])))
  }
  return found
}

const inspectedAtOnce = 8

function dependenceOf(other: Container, replaced: readonly Replaced[]): Dependent[] {
  const name = baseName(other.Name)
  for (const on of replaced) {
    const bond = bonds.find(({ mode }) => isContainer(mode(other.HostConfig), on))
    if (bond) {
      const recreate = `create ${name} again with ${bond.option} container:${on.name}`
      return [{ id: other.Id, name, on, uses: bond.uses, loses: bond.loses, rejoin: byCompose(other) ?? recreate }]
    }
    if (linksOf(other).includes(on.name)) {
      const rejoin = byCompose(other) ?? `create ${name} again with --link ${on.name}`
      return [{ id: other.Id, name, on, uses: 'a link to the address', loses: 'that address', rejoin }]
    }
  }
  return []
}

/** The engine keeps the name that the user gave for some, the id for others. */
const isContainer = (mode: string | undefined, { id, name }: Replaced): boolean => {
  const given = mode?.startsWith('container:') ? mode.slice('container:'.length) : ''
  return given === name || (given.length >= 12 && id.startsWith(given))
}

/** `/db:/web/alias` links web to db. */
const linksOf = ({ HostConfig: { Links: links } }: Container): string[] =>
  (links ?? []).map((link) => (link.split(':')[0] ?? '').replace(/^\//, ''))

function byCompose({ Config }: Container): string | null {
  const owned = ownedBy(Config.Labels)
  if (!owned) return null
  const files = owned.files.flatMap((file) => ['-f', file])
  const words = ['docker', 'compose', '-p', owned.project, ...files]
  return [...words, 'up', '-d', '--no-deps', '--force-recreate', owned.service].map(shellWord).join(' ')
}

/**
 * After the containers: names those that have lost what they had of a replaced one, and how each gets it back. One that was created
 * again meanwhile is fine.
 */
export const checkDependents = defineStep<DockerContext, ContainersState>()({
  kind: 'dependents',
  phase: 'cleanup',
  params: z.object({ replaced: z.array(replacedSchema), dependents: z.array(idSchema) }),
  describe: (_docker, { replaced }) => ({
    id: 'dependents',
    title: `Checking which containers depended on the old ${replaced.map(({ name }) => name).join(', ')}`,
    undo: null
  }),
  mismatch(_docker, { replaced }, { state }) {
    const foreign = replaced.find((one) => !isReplaced(one, state))
    return foreign ? `${foreign.name} is none of the containers that are replaced` : null
  },
  apply: (docker, params, run) =>
    throughRestarts(docker, run, async (): Promise<StepResult> => {
      const left = await Promise.all(params.dependents.map((id) => docker.engine.containers.inspect(id, run.signal)))
      const lost = left.flatMap((other) => (other ? dependenceOf(other, params.replaced) : []))
      if (lost.length === 0) return { detail: 'none' }
      const manual = lost.map(
        ({ name, loses, on, rejoin }) => `${name} has lost ${loses} with the old ${on.name}: ${rejoin}`
      )
      return { detail: `${lost.length} must be created again`, manual }
    })
})

const isReplaced = ({ id, name }: Replaced, { meant }: ContainersState): boolean =>
  meant.some(
    (container) => baseName(container.Name) === name && (container.Id === id || !meant.some(({ Id }) => Id === id))
  )

/** None without dependents. */
export function dependentSteps(docker: DockerContext, dependents: readonly Dependent[], move: Move): Step[] {
  if (dependents.length === 0) return []
  const replaced = new Map(dependents.map(({ on }) => [on.id, { id: on.id, name: on.name }]))
  const params = { replaced: [...replaced.values()], dependents: dependents.map(({ id }) => id) }
  return [checkDependents.plan(docker, params, move)]
}
