import { isDeepStrictEqual } from 'node:util'
import type { Container, ContainerConfig, Healthcheck, ImageDefaults } from '../../objects/schemas.ts'
import { placeOf } from './host.ts'

/** Fields of a container's configuration that come from its image unless the user set them. */
export type UserConfig = Partial<ContainerConfig>

const none: ImageDefaults = {}

/**
 * What the user set on a container: its configuration minus what the image it was created from set.
 * Follows how the engine merges the two (moby, daemon/commit.go `merge`). A value that the user set equal to the
 * image's default cannot be told from the default.
 */
export function userConfigOf(container: Container, image: ImageDefaults | null | undefined): UserConfig {
  const defaults = image ?? none
  const config = container.Config
  const { Image: _image, OnBuild: _onBuild, ...kept } = config
  const result: UserConfig = {
    ...kept,
    Env: (config.Env ?? []).filter((entry) => !(defaults.Env ?? []).includes(entry)),
    Labels: withoutEntries(config.Labels ?? {}, defaults.Labels ?? {}),
    ExposedPorts: withoutKeys(
      config.ExposedPorts ?? {},
      defaults.ExposedPorts ?? {},
      container.HostConfig.PortBindings ?? {}
    ),
    Volumes: withoutKeys(config.Volumes ?? {}, defaults.Volumes ?? {}, {}, mountedPaths(container)),
    ...userCommand(config, defaults)
  }
  for (const key of ['User', 'WorkingDir', 'StopSignal'] as const)
    if ((config[key] ?? '') === (defaults[key] ?? '')) delete result[key]
  if (isDeepStrictEqual(config.Shell ?? null, defaults.Shell ?? null)) delete result.Shell
  delete result.Healthcheck
  const healthcheck = userHealthcheck(config.Healthcheck, defaults.Healthcheck)
  if (healthcheck) result.Healthcheck = healthcheck
  if (config.Hostname === container.Id.slice(0, 12) || !ownsHostname(container)) delete result.Hostname
  if (/^(host|container:)/.test(container.HostConfig.NetworkMode ?? '')) delete result.MacAddress
  return result
}

/** The configuration that the engine makes of the user's and an image's; the expectation that a new container is held against. */
export function mergedConfig(user: UserConfig, image: ImageDefaults | null | undefined): UserConfig {
  const defaults = image ?? none
  const userEnv = user.Env ?? []
  const names = new Set(userEnv.map(variableName))
  const command: UserConfig = { Entrypoint: user.Entrypoint ?? [], Cmd: user.Cmd ?? [] }
  if (!user.Entrypoint?.length) {
    if (!user.Cmd?.length) command.Cmd = defaults.Cmd ?? []
    if (user.Entrypoint === undefined) command.Entrypoint = defaults.Entrypoint ?? []
  }
  if (command.Entrypoint?.length === 1 && command.Entrypoint[0] === '') command.Entrypoint = []
  const healthcheck = { ...defaults.Healthcheck, ...withoutZeros(user.Healthcheck) }
  return {
    ...user,
    ...command,
    Env: [...userEnv, ...(defaults.Env ?? []).filter((entry) => !names.has(variableName(entry)))],
    Labels: { ...defaults.Labels, ...user.Labels },
    ExposedPorts: { ...defaults.ExposedPorts, ...user.ExposedPorts },
    Volumes: { ...defaults.Volumes, ...user.Volumes },
    User: user.User || defaults.User || '',
    WorkingDir: user.WorkingDir || defaults.WorkingDir || '',
    StopSignal: user.StopSignal || defaults.StopSignal || '',
    Healthcheck: healthcheck
  }
}

export const variableName = (entry: string): string => entry.split('=', 1)[0] ?? entry

/** Where a container's mounts are, tmpfs too. */
export const mountedPaths = (container: Container): string[] => [
  ...(container.Mounts ?? []).map((mount) => placeOf(mount.Destination)),
  ...Object.keys(container.HostConfig.Tmpfs ?? {}).map(placeOf)
]

function userCommand(config: ContainerConfig, defaults: ImageDefaults): UserConfig {
  const entrypoint = config.Entrypoint ?? []
  const command = config.Cmd ?? []
  const ownEntrypoint = !isDeepStrictEqual(entrypoint, defaults.Entrypoint ?? [])
  const clearedCommand = command.length === 0 && (defaults.Cmd ?? []).length > 0
  if (ownEntrypoint || clearedCommand) return { Entrypoint: entrypoint.length > 0 ? entrypoint : [''], Cmd: command }
  return {
    Entrypoint: undefined,
    Cmd: isDeepStrictEqual(command, defaults.Cmd ?? []) ? undefined : command
  }
}

function userHealthcheck(
  own: Healthcheck | null | undefined,
  defaults: Healthcheck | null | undefined
): Healthcheck | null {
  const set = Object.entries(withoutZeros(own)).filter(
    ([key, value]) => !isDeepStrictEqual(value, withoutZeros(defaults)[key])
  )
  return set.length > 0 ? Object.fromEntries(set) : null
}

const withoutZeros = (healthcheck: Healthcheck | null | undefined): Healthcheck =>
  Object.fromEntries(
    Object.entries(healthcheck ?? {}).filter(([, value]) => value && (!Array.isArray(value) || value.length > 0))
  )

/** With the network or the name space of another container or the host, a host name of its own is refused. */
const ownsHostname = (container: Container): boolean =>
  !/^container:/.test(container.HostConfig.NetworkMode ?? '') &&
  !(container.HostConfig.NetworkMode === 'host' && container.HostConfig.UTSMode === 'host')

const withoutEntries = (own: Record<string, string>, defaults: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(own).filter(([key, value]) => defaults[key] !== value))

const withoutKeys = (
  own: Record<string, unknown>,
  defaults: Record<string, unknown>,
  keep: Record<string, unknown>,
  drop: string[] = []
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(own).filter(([key]) => (key in keep || !(key in defaults)) && !drop.includes(placeOf(key)))
  )
