import { z } from 'zod'
import type { Step } from '../../../../model/step.ts'
import type { StepKind } from '../../../define-steps.ts'
import type { StepResult } from '../../../target.ts'
import { ownedBy } from '../../compose/labels.ts'
import type { DockerContext } from '../../context.ts'
import { throughRestarts } from '../../engine/restarts.ts'
import { baseName } from '../../objects/names.ts'
import type { Container, ContainerSummary, HostConfig } from '../../objects/schemas.ts'

/** A container that is replaced. */
interface Replaced {
  id: string
  name: string
}

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
  const files = owned.files.flatMap((file) => ['-f', file]).join(' ')
  return `docker compose -p ${owned.project} ${files ? `${files} ` : ''}up -d --no-deps --force-recreate ${owned.service}`
}

const paramsSchema = z.looseObject({
  dependents: z.array(z.looseObject({ id: z.string(), name: z.string(), rejoin: z.string(), lost: z.string() }))
})

/** After the containers: which others have lost what they had of them, and how each gets it back. None without dependents. */
export function dependentSteps(dependents: readonly Dependent[]): Step[] {
  if (dependents.length === 0) return []
  const names = [...new Set(dependents.map(({ on }) => on.name))].join(', ')
  return [
    {
      id: 'dependents',
      kind: 'dependents',
      phase: 'cleanup',
      title: `Checking which containers depended on the old ${names}`,
      params: {
        dependents: dependents.map(({ id, name, on, loses, rejoin }) => {
          return { id, name, rejoin, lost: `${loses} with the old ${on.name}` }
        })
      },
      undo: null
    }
  ]
}

/** Names those that must be created again; one that was created again meanwhile is fine. */
export const checkDependents: StepKind<DockerContext, z.infer<typeof paramsSchema>> = {
  params: paramsSchema,
  apply: (docker, { dependents }, run) => throughRestarts(docker, run, () => affected(docker, dependents, run.signal))
}

async function affected(
  docker: DockerContext,
  dependents: z.infer<typeof paramsSchema>['dependents'],
  signal: AbortSignal
): Promise<StepResult> {
  const left = await Promise.all(dependents.map(({ id }) => docker.engine.containers.inspect(id, signal)))
  const manual = dependents
    .filter((_, index) => left[index] !== null)
    .map(({ name, lost, rejoin }) => `${name} has lost ${lost}: ${rejoin}`)
  if (manual.length === 0) return { detail: 'none' }
  return { detail: `${manual.length} must be created again`, manual }
}
