import { dependsOn, ownedBy } from '../../compose/labels.ts'
import { baseName } from '../../objects/names.ts'
import { type Container, type ContainerSummary, nameOf } from '../../objects/schemas.ts'

/** Only inspection tells who shares processes or memory: as many are inspected, so that a busy engine costs no more than a quiet one. */
const mostByHand = 8

/** The containers that may depend on replaced ones by what a list tells of them, and how many more may by what it does not tell. */
export function mayDepend(
  replaced: readonly Container[],
  all: readonly ContainerSummary[]
): { likely: ContainerSummary[]; unknown: number } {
  const ids = new Set(replaced.map(({ Id }) => Id))
  const linked = new Set(all.filter(({ Id }) => ids.has(Id)).flatMap(linkersOf))
  const others = all.filter(({ Id }) => !ids.has(Id))
  const told = others.filter(
    (other) => sharesNetwork(other, replaced) || linked.has(nameOf(other)) || isBuiltOn(other, replaced)
  )
  const since = Math.min(...replaced.map(({ Created }) => Math.floor(Date.parse(Created) / 1000)))
  const isLater = ({ Created = since }: ContainerSummary): boolean => Created >= since
  const byHand = others.filter((other) => isUp(other) && !told.includes(other) && !ownedBy(other.Labels))
  const [later, earlier] = [byHand.filter(isLater), byHand.filter((other) => !isLater(other))]
  const oldestFirst = later.sort((a, b) => (a.Created ?? 0) - (b.Created ?? 0))
  return {
    likely: [...told, ...[...oldestFirst, ...earlier].slice(0, mostByHand)],
    unknown: Math.max(0, later.length - mostByHand)
  }
}

/** null where nothing is unknown. */
export const mayDependNote = (unknown: number): string[] =>
  unknown === 0
    ? []
    : [
        `${unknown} more containers that were started by hand were not asked whether they share processes or memory of what is replaced (--pid or --ipc container:…).`
      ]

const isUp = ({ State }: ContainerSummary): boolean => State === 'running' || State === 'paused'

const sharesNetwork = ({ HostConfig }: ContainerSummary, replaced: readonly Container[]): boolean => {
  const mode = HostConfig?.NetworkMode
  return mode === undefined || replaced.some((container) => isContainer(mode, container))
}

/** Compose adds what a service shares with another one to what it depends on. */
const isBuiltOn = (other: ContainerSummary, replaced: readonly Container[]): boolean => {
  const owned = ownedBy(other.Labels)
  return replaced.some(({ Config }) => {
    const base = ownedBy(Config.Labels)
    return owned !== null && owned.project === base?.project && dependsOn(other.Labels, base.service)
  })
}

/** The containers that link to one: it has a name below each of theirs, `/shop/db`. */
const linkersOf = ({ Names: names }: ContainerSummary): string[] =>
  (names ?? []).flatMap((name) => /^\/([^/]+)\/[^/]+$/.exec(name)?.[1] ?? [])

/** Whether a mode is `container:` and this one. The engine keeps the name that the user gave for some, the id for others. */
export const isContainer = (mode: string | undefined, { Id, Name }: Pick<Container, 'Id' | 'Name'>): boolean => {
  const given = mode?.startsWith('container:') ? mode.slice('container:'.length) : ''
  return given === baseName(Name) || (given.length >= 12 && Id.startsWith(given))
}
