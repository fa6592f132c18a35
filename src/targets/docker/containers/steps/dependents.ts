import { z } from 'zod'
import type { Step } from '../../../../model/step.ts'
import { shellWord } from '../../../../support/shell-word.ts'
import { defineStep } from '../../../define-step.ts'
import type { Move, StepResult } from '../../../target.ts'
import { ownedBy } from '../../compose/labels.ts'
import type { DockerContext } from '../../context.ts'
import { throughRestarts } from '../../engine/restarts.ts'
import { baseName } from '../../objects/names.ts'
import { containerNamePattern } from '../../objects/reference.ts'
import type { Container, ContainerSummary } from '../../objects/schemas.ts'
import type { ContainersState } from '../observe/observe.ts'
import { isContainer, mayDepend, mayDependNote } from './may-depend.ts'

const idSchema = z.string().regex(/^[a-f0-9]{64}$/)

const nameSchema = z.string().regex(containerNamePattern)

/** What one container may have of another one, what becomes of that with the other, and how it is given back. */
const bonds = {
  network: { uses: 'the network', loses: 'its network', option: '--network container:' },
  pid: { uses: 'the processes', loses: 'all its processes', option: '--pid container:' },
  ipc: { uses: 'the shared memory', loses: 'its shared memory', option: '--ipc container:' },
  link: { uses: 'a link to the address', loses: 'that address', option: '--link ' }
}
const bondSchema = z.enum(['network', 'pid', 'ipc', 'link'])
type Bond = z.infer<typeof bondSchema>

/** A container that depends on a replaced one. */
export interface Dependent {
  id: string
  name: string
  on: Container
  bond: Bond
  uses: string
  loses: string
  /** How a person connects it to the replacement. */
  rejoin: string
}

/** The containers that depend on replaced ones: by their network, processes, shared memory or a link; and notes on what is unknown. */
export async function findDependents(
  docker: DockerContext,
  replaced: readonly Container[],
  all: readonly ContainerSummary[],
  signal: AbortSignal
): Promise<{ dependents: Dependent[]; notes: string[] }> {
  if (replaced.length === 0) return { dependents: [], notes: [] }
  const { likely, unknown } = mayDepend(replaced, all)
  const inspected = await Promise.all(likely.map(({ Id }) => docker.engine.containers.inspect(Id, signal)))
  return {
    dependents: inspected.flatMap((other) => (other ? dependenceOf(other, replaced) : [])),
    notes: mayDependNote(unknown)
  }
}

function dependenceOf(other: Container, replaced: readonly Container[]): Dependent[] {
  for (const on of replaced) {
    const bond = bondOf(other, on)
    if (bond)
      return [
        {
          id: other.Id,
          name: baseName(other.Name),
          on,
          bond,
          ...bonds[bond],
          rejoin: rejoin(other, bond, baseName(on.Name))
        }
      ]
  }
  return []
}

function bondOf(other: Container, on: Container): Bond | null {
  const { NetworkMode, PidMode, IpcMode } = other.HostConfig
  if (isContainer(NetworkMode, on)) return 'network'
  if (isContainer(PidMode, on)) return 'pid'
  if (isContainer(IpcMode, on)) return 'ipc'
  return linksOf(other).includes(baseName(on.Name)) ? 'link' : null
}

const rejoin = (other: Container, bond: Bond, on: string): string =>
  byCompose(other) ?? `create ${baseName(other.Name)} again with ${bonds[bond].option}${on}`

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
  params: z.object({ dependents: z.array(z.object({ id: idSchema, bond: bondSchema, on: nameSchema })) }),
  describe: (_docker, { dependents }) => ({
    id: 'dependents',
    title: `Checking which containers depended on the old ${[...new Set(dependents.map(({ on }) => on))].join(', ')}`,
    undo: null
  }),
  mismatch(_docker, { dependents }, { state }) {
    const ours = state.meant.map(({ Name }) => baseName(Name))
    const foreign = dependents.find(({ on }) => !ours.includes(on))
    return foreign ? `${foreign.on} is none of this target's containers` : null
  },
  apply: (docker, { dependents }, run) =>
    throughRestarts(docker, run, async (): Promise<StepResult> => {
      const lines = dependents.map(async ({ id, bond, on }) => {
        const other = await docker.engine.containers.inspect(id, run.signal)
        if (!other) return []
        return [`${baseName(other.Name)} has lost ${bonds[bond].loses} with the old ${on}: ${rejoin(other, bond, on)}`]
      })
      const manual = (await Promise.all(lines)).flat()
      return manual.length === 0 ? { detail: 'none' } : { detail: `${manual.length} must be created again`, manual }
    })
})

/** None without dependents. */
export function dependentSteps(docker: DockerContext, dependents: readonly Dependent[], move: Move): Step[] {
  if (dependents.length === 0) return []
  const params = { dependents: dependents.map(({ id, bond, on }) => ({ id, bond, on: baseName(on.Name) })) }
  return [checkDependents.plan(docker, params, move)]
}
