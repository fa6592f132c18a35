import type { DeploymentRecord } from '../../../../model/deployment-record.ts'
import type { Blocker, Risk } from '../../../../model/observation.ts'
import type { Release } from '../../../../model/release.ts'
import { baseName, fallbackName, longestName } from '../../objects/names.ts'
import { containerNamePattern, shortId } from '../../objects/reference.ts'
import { type Container, type ContainerSummary, type ImageDefaults, nameOf } from '../../objects/schemas.ts'
import { changesSince } from '../observe/snapshot.ts'
import type { Dependent } from '../steps/dependents.ts'

/** Host ports that a stopped container needs and another container uses. */
export function portBlockers(containers: readonly Container[], all: readonly ContainerSummary[]): Blocker[] {
  return containers
    .filter((container) => !container.State.Running)
    .flatMap((container) =>
      hostPorts(container).flatMap(({ port, protocol, ip }) => {
        const holder = all.find(
          (other) =>
            other.Id !== container.Id &&
            other.State === 'running' &&
            (other.Ports ?? []).some(
              ({ PublicPort, Type = 'tcp', IP = '' }) => PublicPort === port && Type === protocol && collide(IP, ip)
            )
        )
        if (!holder || containers.some(({ Id }) => Id === holder.Id)) return []
        return [
          {
            id: `port_taken:${port}`,
            what: `Port ${port} is in use`,
            why: `${nameOf(holder)} publishes it, and ${baseName(container.Name)} needs it`,
            next: `Stop ${nameOf(holder)}, or give it another port.`
          }
        ]
      })
    )
}

const hostPorts = (container: Container): { port: number; protocol: string; ip: string }[] =>
  Object.entries(container.HostConfig.PortBindings ?? {}).flatMap(([inside, bindings]) =>
    (bindings ?? []).flatMap(({ HostPort, HostIp }) => {
      const port = Number(HostPort)
      return port > 0 ? [{ port, protocol: inside.split('/')[1] ?? 'tcp', ip: HostIp ?? '' }] : []
    })
  )

/** Whether one port cannot be held at both addresses: the same one, or every address of one family. */
const collide = (a: string, b: string): boolean =>
  a === b || [a, b].some((ip) => ip === '' || (isWildcard(ip) && a.includes(':') === b.includes(':')))

const isWildcard = (ip: string): boolean => ip === '0.0.0.0' || ip === '::'

/** Whether the old container can be kept under a name of its own. */
export const hasRoomForMark = ({ Id, Name }: Container): boolean =>
  containerNamePattern.test(fallbackName(baseName(Name), Id))

/** Names that leave no room for the mark of a replacement. */
export const nameBlockers = (containers: readonly Container[]): Blocker[] =>
  containers.flatMap((container) => {
    const name = baseName(container.Name)
    if (hasRoomForMark(container)) return []
    return [
      {
        id: `name_too_long:${name.slice(0, 64)}`,
        what: `${name.slice(0, 64)}… cannot be replaced`,
        why: `its name has ${name.length} characters, and with more than ${longestName} the old container cannot be kept under a name of its own`,
        next: `Give it a shorter name (docker rename ${container.Id.slice(0, 12)} NAME), then assess again.`
      }
    ]
  })

/** Ports that the engine chooses get another number with each start. */
export const portNotes = (containers: readonly Container[]): string[] =>
  containers
    .filter(
      ({ HostConfig: host }) =>
        host.PublishAllPorts ||
        Object.values(host.PortBindings ?? {}).some((bindings) =>
          (bindings ?? []).some(({ HostPort }) => !Number(HostPort))
        )
    )
    .map(({ Name }) => `${baseName(Name)} publishes a port whose number the engine chooses; the number will change.`)

/** Containers that depend on a replaced one. */
export const dependentRisks = (dependents: readonly Dependent[]): Risk[] =>
  dependents.map(({ name, on, uses, loses, rejoin }) => ({
    id: `dependent:${name}`,
    serious: true,
    title: `${name} uses ${uses} of ${baseName(on.Name)}`,
    detail: `It loses ${loses} when ${shortId(on.Id)} is replaced. The rollback does not change it. Afterwards: ${rejoin}`
  }))

/** Others that write to the same volumes: what the newer version changed there concerns them, too. */
export function volumeRisks(containers: readonly Container[], all: readonly ContainerSummary[]): Risk[] {
  const replaced = new Set(containers.map(({ Id }) => Id))
  return volumesOf(containers).flatMap((volume) => {
    const others = all.filter(
      ({ Id, Mounts }) => !replaced.has(Id) && (Mounts ?? []).some(({ Name }) => Name === volume)
    )
    if (others.length === 0) return []
    return [
      {
        id: `shared_volume:${volume.slice(0, 64)}`,
        serious: false,
        title: `The volume ${volume} is shared with ${others.map(nameOf).join(', ')}`,
        detail: 'It keeps everything that the newer version wrote into it.'
      }
    ]
  })
}

/** Data does not go back with an image. */
export const volumeNotes = (containers: readonly Container[]): string[] => {
  const volumes = volumesOf(containers)
  return volumes.length === 0
    ? []
    : [
        `Data that the newer version wrote stays in ${volumes.length === 1 ? 'the volume' : 'the volumes'} ${volumes.map(shortVolume).join(', ')}.`
      ]
}

const volumesOf = (containers: readonly Container[]): string[] => [
  ...new Set(
    containers.flatMap(({ Mounts }) =>
      (Mounts ?? []).flatMap(({ Type, Name, RW }) => (Type === 'volume' && Name && RW !== false ? [Name] : []))
    )
  )
]

const shortVolume = (name: string): string => (/^[a-f0-9]{64}$/.test(name) ? name.slice(0, 12) : name)

/** A rehearsal must be isolated, which the network of the host or of another container is not. */
export const rehearsalBlockers = (containers: readonly Container[]): Blocker[] =>
  containers
    .filter(({ HostConfig: { NetworkMode: mode = '' } }) => mode === 'host' || mode.startsWith('container:'))
    .map(({ Name, HostConfig: { NetworkMode: mode } }) => ({
      id: `cannot_rehearse:${baseName(Name)}`,
      what: `${baseName(Name)} cannot be rehearsed`,
      why: `it uses the network ${mode}, where the rehearsal would use its ports`,
      next: 'Pass rehearse: false, or set `rehearse` to false in the configuration of the target.'
    }))

/** Where the configuration differs from the one that was recorded when the release served. */
export function configurationRisks(
  containers: readonly Container[],
  defaults: ReadonlyMap<string, ImageDefaults>,
  release: Release,
  history: readonly DeploymentRecord[]
): Risk[] {
  const record = history.find((item) => item.version === release.version && item.status === 'success' && item.snapshot)
  const changes = record ? changesSince(record.snapshot, containers, defaults) : null
  if (!changes?.length) return []
  return [
    {
      id: `configuration_changed:${release.version}`,
      serious: true,
      title: `The configuration has changed since ${release.version} served`,
      detail: `${changes.slice(0, 12).join('; ')}${changes.length > 12 ? `; and ${changes.length - 12} more` : ''}. The rollback does not change it back.`
    }
  ]
}

/**
 * A container in the network or another name space of one that is replaced with it cannot follow: it can neither start while its
 * base is stopped nor, when all is undone newest first, be brought back before its base is.
 */
export function sharedNamespaceBlockers(containers: readonly Container[]): Blocker[] {
  return containers.flatMap((container) => {
    const { NetworkMode, PidMode, IpcMode } = container.HostConfig
    const base = containers.find(({ Id }) => [NetworkMode, PidMode, IpcMode].includes(`container:${Id}`))
    if (!base) return []
    const [name, on] = [baseName(container.Name), baseName(base.Name)]
    return [
      {
        id: `shared_namespace:${name}`,
        what: `${name} and ${on} cannot be rolled back together`,
        why: `${name} shares a namespace of ${on}, so it stops when ${on} is replaced`,
        next: `Name only ${on} in \`services\` or \`containers\` of the configuration; the plan then says how to create ${name} again.`
      }
    ]
  })
}
