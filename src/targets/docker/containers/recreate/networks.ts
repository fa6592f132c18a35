import type { Container, Endpoint } from '../../objects/schemas.ts'

/** What a replacement asks of one network. */
export type EndpointRequest = Pick<
  Endpoint,
  'Aliases' | 'Links' | 'IPAMConfig' | 'DriverOpts' | 'GwPriority' | 'MacAddress'
>

/** Aliases that the engine adds by itself: the container's own short id. */
const ownAliases = (container: Container): Set<string> => new Set([container.Id.slice(0, 12), container.Id])

/**
 * The networks a replacement joins, by name: aliases without the old short id, addresses only where the user fixed them,
 * a hardware address only where the user set one (inspection shows generated ones alike).
 */
export function endpointsFor(container: Container): Record<string, EndpointRequest> {
  const mode = container.HostConfig.NetworkMode ?? 'default'
  if (/^(host|none|container:)/.test(mode)) return {}
  const generated = ownAliases(container)
  return Object.fromEntries(
    Object.entries(container.NetworkSettings.Networks ?? {}).map(([name, endpoint]) => {
      const aliases = (endpoint.Aliases ?? []).filter((alias) => !generated.has(alias))
      const fixed = Object.entries(endpoint.IPAMConfig ?? {}).filter(([, value]) => value)
      const mac = container.Config.MacAddress
      return [
        name,
        {
          ...(aliases.length > 0 ? { Aliases: aliases } : {}),
          ...(endpoint.Links?.length ? { Links: endpoint.Links } : {}),
          ...(fixed.length > 0 ? { IPAMConfig: Object.fromEntries(fixed) } : {}),
          ...(endpoint.DriverOpts ? { DriverOpts: endpoint.DriverOpts } : {}),
          ...(endpoint.GwPriority ? { GwPriority: endpoint.GwPriority } : {}),
          ...(mac && isFirst(container, name) ? { MacAddress: mac } : {})
        }
      ]
    })
  )
}

/** Creation joins one network; the rest follow, because engines before API 1.44 accept one. */
export function splitEndpoints(container: Container): {
  first: Record<string, EndpointRequest>
  others: Record<string, EndpointRequest>
} {
  const all = Object.entries(endpointsFor(container))
  return {
    first: Object.fromEntries(all.filter(([name]) => isFirst(container, name))),
    others: Object.fromEntries(all.filter(([name]) => !isFirst(container, name)))
  }
}

/** Whether an address on some network is fixed by the user, so that two containers cannot hold it at once. */
export const hasFixedAddress = (container: Container): boolean =>
  Boolean(container.Config.MacAddress) ||
  Object.values(endpointsFor(container)).some((endpoint) => endpoint.IPAMConfig || endpoint.MacAddress)

/** The network that the network mode names; "default" is the bridge. */
function isFirst(container: Container, name: string): boolean {
  const mode = container.HostConfig.NetworkMode ?? 'default'
  const id = container.NetworkSettings.Networks?.[name]?.NetworkID
  return mode === name || mode === id || (mode === 'default' && name === 'bridge')
}
