import type { Container, Endpoint } from '../../objects/schemas.ts'

/** What a replacement asks of one network. */
export type EndpointRequest = Pick<
  Endpoint,
  'Aliases' | 'Links' | 'IPAMConfig' | 'DriverOpts' | 'GwPriority' | 'MacAddress'
>

/** A short id: the engine's own alias of a container, or one that a replacement took over. */
const isShortId = (alias: string): boolean => /^[0-9a-f]{12}$/.test(alias)

/**
 * The networks that the user gave a container, by name: aliases without short ids, addresses only where the user fixed them,
 * a hardware address only where the user set one (inspection shows generated ones alike).
 */
export function endpointsFor(container: Container): Record<string, EndpointRequest> {
  const mode = container.HostConfig.NetworkMode ?? 'default'
  if (/^(host|none|container:)/.test(mode)) return {}
  return Object.fromEntries(
    Object.entries(container.NetworkSettings.Networks ?? {}).map(([name, endpoint]) => {
      const aliases = (endpoint.Aliases ?? []).filter((alias) => !isShortId(alias))
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

/**
 * The networks a replacement joins: with the old short id as an alias, because proxies hold on to it. The engine's default networks
 * have no aliases.
 */
export function successorEndpoints(container: Container): Record<string, EndpointRequest> {
  const own = container.Id.slice(0, 12)
  return Object.fromEntries(
    Object.entries(endpointsFor(container)).map(([name, endpoint]) => {
      if (name === 'bridge' || name === 'nat') return [name, endpoint]
      const former = (container.NetworkSettings.Networks?.[name]?.Aliases ?? []).filter(isShortId)
      return [name, { ...endpoint, Aliases: [...new Set([...(endpoint.Aliases ?? []), ...former, own])] }]
    })
  )
}

/** Creation joins one network; the rest follow, because engines before API 1.44 accept one. */
export function splitEndpoints(container: Container): {
  first: Record<string, EndpointRequest>
  others: Record<string, EndpointRequest>
} {
  const all = Object.entries(successorEndpoints(container))
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
