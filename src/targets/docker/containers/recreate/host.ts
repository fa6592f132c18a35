import { posix } from 'node:path'
import type { Container, HostConfig, Mount } from '../../objects/schemas.ts'
import { mountOfBind } from './binds.ts'

/**
 * The host configuration for a replacement: as it is, with the anonymous volumes named so that they are attached again,
 * binds as mounts, and links in the form that the engine takes.
 */
export function hostConfigFor(container: Container): HostConfig {
  const host = container.HostConfig
  const mounts = (host.Mounts ?? []).map((mount) => {
    const actual = mountAt(container, mount.Target)
    const anonymous = mount.Type === 'volume' && !mount.Source && actual?.Name
    return anonymous ? { ...mount, Source: anonymous } : mount
  })
  const asMounts = (host.Binds ?? []).flatMap((bind) => mountOfBind(bind) ?? [])
  const binds = [...(host.Binds ?? []).filter((bind) => !mountOfBind(bind)), ...anonymousVolumes(container).map(asBind)]
  const links = host.Links?.map((link) => linkForCreation(link))
  const { ContainerIDFile: _file, ...rest } = host
  return {
    ...rest,
    ...(host.Binds || binds.length > 0 ? { Binds: binds } : {}),
    ...(mounts.length + asMounts.length > 0 ? { Mounts: [...mounts, ...asMounts] } : {}),
    ...(links ? { Links: links } : {})
  }
}

/** Volumes that no one named: they are seen only among the mounts, and would be lost with the container. */
export function anonymousVolumes(container: Container): Mount[] {
  const named = new Set([
    ...(container.HostConfig.Binds ?? []).map(bindDestination),
    ...(container.HostConfig.Mounts ?? []).map((mount) => placeOf(mount.Target))
  ])
  return (container.Mounts ?? []).filter(
    (mount) => mount.Type === 'volume' && mount.Name && !named.has(placeOf(mount.Destination))
  )
}

/** The mounts through which a container can write to what another one may hold, too. */
export const writableMounts = (container: Container): Mount[] =>
  (container.Mounts ?? []).filter((mount) => mount.RW !== false && mount.Type !== 'tmpfs')

const mountAt = (container: Container, destination: string): Mount | undefined =>
  (container.Mounts ?? []).find((mount) => placeOf(mount.Destination) === placeOf(destination))

const asBind = (mount: Mount): string =>
  [mount.Name, mount.Destination, ...(mount.RW === false ? ['ro'] : mount.Mode ? [mount.Mode] : [])].join(':')

/** The user may write `/data/`; among the mounts the engine says `/data`. */
export const placeOf = (path: string): string => posix.resolve('/', path)

/** `source:destination[:mode]`; a lone path is an anonymous volume's. */
export function bindDestination(bind: string): string {
  const parts = bind.split(':')
  return placeOf(parts[1] ?? bind)
}

/** Inspection tells `/db:/web/alias`; creation wants `db:alias`. */
function linkForCreation(link: string): string {
  const [from = '', to = ''] = link.split(':')
  return `${from.replace(/^\//, '')}:${to.slice(to.lastIndexOf('/') + 1)}`
}
