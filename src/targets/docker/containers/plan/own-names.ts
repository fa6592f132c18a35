import { ownedBy } from '../../compose/labels.ts'
import { baseName } from '../../objects/names.ts'
import type { Container, Healthcheck } from '../../objects/schemas.ts'

/**
 * The names of the service itself that its health check asks over the network. They lead to the old container while it runs, so the
 * check of a second one says nothing. A container's own host name always leads to itself.
 */
export function ownNamesAsked(container: Container, healthcheck: Healthcheck | null | undefined): string[] {
  const { Config, NetworkSettings, Name, Id } = container
  const service = ownedBy(Config.Labels)?.service
  const names = new Set(
    [
      baseName(Name),
      Id.slice(0, 12),
      ...(service ? [service] : []),
      ...Object.values(NetworkSettings.Networks ?? {}).flatMap(({ Aliases: aliases }) => aliases ?? [])
    ].map((name) => name.toLowerCase())
  )
  const hostname = Config.Hostname?.toLowerCase()
  if (hostname && hostname !== Id.slice(0, 12)) names.delete(hostname)
  const [, ...command] = healthcheck?.Test ?? []
  const asked = command.flatMap((part) => hostsIn(withVariables(part, Config.Env ?? [])))
  return [...new Set(asked)].filter((host) => names.has(host))
}

const withVariables = (text: string, env: readonly string[]): string =>
  text.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => {
    const entry = env.find((one) => one.startsWith(`${name}=`))
    return entry === undefined ? whole : entry.slice(name.length + 1)
  })

/** Words that may be a host: of an address, or bare; no path and no option. */
const hostsIn = (text: string): string[] =>
  text
    .split(/[\s"'`=,;|&()<>]+/)
    .map((word) => word.slice(word.indexOf('://') < 0 ? 0 : word.indexOf('://') + 3).split('/')[0] ?? '')
    .map((authority) => (authority.split('@').at(-1) ?? '').split(':')[0]?.toLowerCase() ?? '')
    .filter((host) => host !== '')
