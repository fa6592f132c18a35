import { ownedBy } from '../../compose/labels.ts'
import { baseName } from '../../objects/names.ts'
import type { Container } from '../../objects/schemas.ts'

/**
 * Why containers of one image are not one deployment: they are of several Compose projects, or are started by hand under names that
 * differ in more than a number, as staging and production are. null where they belong together.
 */
export function whyUnrelated(containers: readonly Container[]): string | null {
  const groups = new Map<string, Container[]>()
  for (const container of containers) {
    const key = groupOf(container)
    groups.set(key, [...(groups.get(key) ?? []), container])
  }
  const parts = joined([...groups.values()])
  if (parts.length < 2) return null
  const described = parts.map((members) => {
    const project = ownedBy(members[0]?.Config.Labels)?.project
    const names = members.map(({ Name }) => baseName(Name)).join(', ')
    return project ? `${names} (Compose project ${project})` : names
  })
  return `${described.sort().join('; ')} run this image, and nothing says that they are one deployment`
}

/** The Compose project; what Kamal calls service and destination; else the name without its numbers. */
function groupOf({ Name, Config: { Labels: labels } }: Container): string {
  const project = ownedBy(labels)?.project
  if (project) return `project ${project}`
  if (labels?.service && labels.role) return `service ${labels.service} ${labels.destination ?? ''}`
  return `name ${baseName(Name).replace(/[-_.]?\d+/g, '')}`
}

/** Groups that write to one volume, or share a namespace, are one. */
function joined(groups: readonly Container[][]): Container[][] {
  const parts: Container[][] = []
  for (const group of groups) {
    const near = parts.filter((part) => part.some((one) => group.some((other) => areTied(one, other))))
    const merged = [...near.flat(), ...group]
    for (const part of near) parts.splice(parts.indexOf(part), 1)
    parts.push(merged)
  }
  return parts
}

const areTied = (a: Container, b: Container): boolean =>
  (ownedBy(a.Config.Labels) === null || ownedBy(b.Config.Labels) === null) &&
  (volumesOf(a).some((volume) => volumesOf(b).includes(volume)) || isWithin(a, b) || isWithin(b, a))

const volumesOf = ({ Mounts }: Container): string[] =>
  (Mounts ?? []).flatMap(({ Type, Name, RW }) => (Type === 'volume' && Name && RW !== false ? [Name] : []))

const isWithin = ({ HostConfig: { NetworkMode, PidMode, IpcMode } }: Container, { Id }: Container): boolean =>
  [NetworkMode, PidMode, IpcMode].includes(`container:${Id}`)
