import { placeOf } from '../containers/recreate/host.ts'
import { parseReference } from '../objects/reference.ts'
import type { Container, Healthcheck } from '../objects/schemas.ts'
import { nanoseconds } from './go-duration.ts'
import type { Goal } from './goal.ts'
import { isKnown, type RenderedService, type ServiceAtCommit } from './render.ts'

/** `config` of Compose doubles each dollar sign, so that its output can be read as a Compose file again. */
const plain = (text: string): string => text.replaceAll('$$', '$')

/** What goes back to a service as a commit describes it. */
export function goalOfService(at: ServiceAtCommit): Goal {
  const { service, other } = at
  const told = <T>(key: keyof RenderedService, value: T): T | undefined => (isKnown(at, key) ? value : undefined)
  const variables = Object.entries(service.environment ?? {}).map(([name, value]): [string, string | null] => {
    const same = value === other.environment?.[name]
    return [name, value === null || !same ? null : plain(String(value))]
  })
  return {
    variables: new Map(variables),
    Cmd: told('command', service.command?.map(plain) ?? null),
    Entrypoint: told('entrypoint', service.entrypoint ? entrypoint(service.entrypoint.map(plain)) : null),
    User: told('user', service.user ?? null),
    WorkingDir: told('working_dir', service.working_dir ?? null),
    StopSignal: told('stop_signal', service.stop_signal ?? null),
    Healthcheck: told('healthcheck', healthcheckOf(service)),
    Labels: told('labels', mapped(service.labels ?? {}))
  }
}

const mapped = (labels: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, plain(value)]))

/** An empty one clears the image's, which the engine is told by one empty text. */
const entrypoint = (words: string[]): string[] => (words.length > 0 ? words : [''])

function healthcheckOf({ healthcheck }: RenderedService): Healthcheck | null {
  if (!healthcheck) return null
  if (healthcheck.disable) return { Test: ['NONE'] }
  const { test, interval, timeout, start_period, start_interval, retries } = healthcheck
  return {
    ...(test && { Test: test.map(plain) }),
    ...(interval && { Interval: nanoseconds(interval) }),
    ...(timeout && { Timeout: nanoseconds(timeout) }),
    ...(start_period && { StartPeriod: nanoseconds(start_period) }),
    ...(start_interval && { StartInterval: nanoseconds(start_interval) }),
    ...(retries && { Retries: retries })
  }
}

/** What of a service at a commit the commit does not tell, and is kept as it is: "variable DATABASE_URL". */
export const notTold = (at: ServiceAtCommit): string[] => [
  ...[...goalOfService(at).variables].flatMap(([name, value]) => (value === null ? [`variable ${name}`] : [])),
  ...(['command', 'entrypoint', 'user', 'working_dir', 'stop_signal', 'healthcheck', 'labels'] as const).filter(
    (key) => !isKnown(at, key)
  )
]

/** Where a service at a commit differs from a container in what does not go back, one line each, no values of variables. */
export function serviceDifferences(at: ServiceAtCommit, container: Container, top: string): string[] {
  const { service } = at
  const { HostConfig: host } = container
  const known = (key: keyof RenderedService, lines: () => string[]): string[] => (isKnown(at, key) ? lines() : [])
  const list = (key: 'cap_add' | 'cap_drop' | 'security_opt' | 'group_add', now: unknown): string[] =>
    known(key, () => [
      ...setDifference(service[key] ?? [], texts(now)).map((item) => `${key} ${item}, which it does not have now`),
      ...setDifference(texts(now), service[key] ?? []).map((item) => `no ${key} ${item}`)
    ])
  const text = (key: 'pid' | 'ipc' | 'uts' | 'userns_mode', now: unknown): string[] =>
    known(key, () => ((service[key] ?? '') === modeOf(now) ? [] : [`${key} ${service[key] ?? 'of its own'}`]))
  return [
    ...imageDifference(at, container),
    ...known('privileged', () =>
      (service.privileged ?? false) === Boolean(host.Privileged)
        ? []
        : [service.privileged ? 'privileged' : 'not privileged']
    ),
    ...list('cap_add', host.CapAdd),
    ...list('cap_drop', host.CapDrop),
    ...list('security_opt', host.SecurityOpt),
    ...list('group_add', host.GroupAdd),
    ...text('pid', host.PidMode),
    ...text('ipc', host.IpcMode),
    ...text('uts', host.UTSMode),
    ...text('userns_mode', host.UsernsMode),
    ...known('devices', () =>
      setDifference(devicesOf(service), enginesDevices(host.Devices)).map((path) => `device ${path}`)
    ),
    ...known('read_only', () =>
      (service.read_only ?? false) === Boolean(host.ReadonlyRootfs) ? [] : [`read_only ${service.read_only ?? false}`]
    ),
    ...known('restart', () => restartDifference(service, container)),
    ...known('mem_limit', () => numberDifference('mem_limit', service.mem_limit, 1, host.Memory)),
    ...known('cpus', () => numberDifference('cpus', service.cpus, 1e9, host.NanoCpus)),
    ...known('ports', () => portDifferences(service, container)),
    ...known('volumes', () => mountDifferences(at, container, top)),
    ...known('network_mode', () => networkDifferences(at, container))
  ]
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])
const setDifference = (some: readonly string[], others: readonly string[]): string[] =>
  some.filter((item) => !others.includes(item))

/** What the engine calls its own default. */
const modeOf = (value: unknown): string => (value === 'private' || typeof value !== 'string' ? '' : value)

/** The tag may be a variable; the name is compared where it is none. */
function imageDifference({ service, other }: ServiceAtCommit, { Config }: Container): string[] {
  const [then, again, now] = [service.image, other.image, Config.Image].map(
    (name) => parseReference(name ?? '')?.repository
  )
  return then && now && then === again && then !== now ? [`image ${then}`] : []
}

const devicesOf = ({ devices }: RenderedService): string[] =>
  (devices ?? []).map((device) => (typeof device === 'string' ? (device.split(':')[0] ?? device) : device.source))
const enginesDevices = (devices: unknown): string[] =>
  (Array.isArray(devices) ? devices : []).flatMap((device: unknown) =>
    typeof device === 'object' && device !== null && 'PathOnHost' in device ? [String(device.PathOnHost)] : []
  )

function restartDifference(
  { restart }: RenderedService,
  { HostConfig: { RestartPolicy: policy } }: Container
): string[] {
  const then = (restart || 'no').split(':')[0]
  return then === (policy?.Name || 'no') ? [] : [`restart ${then}`]
}

function numberDifference(
  key: string,
  then: string | number | null | undefined,
  factor: number,
  now: unknown
): string[] {
  return Math.round(Number(then ?? 0) * factor) === Number(now ?? 0) ? [] : [`${key} ${then ?? 'unlimited'}`]
}

function portDifferences({ ports }: RenderedService, { HostConfig }: Container): string[] {
  const then = (ports ?? []).map(
    ({ host_ip, published, target, protocol }) => `${host_ip ?? ''}:${published ?? ''}:${target}/${protocol ?? 'tcp'}`
  )
  const now = Object.entries(HostConfig.PortBindings ?? {}).flatMap(([inside, hosts]) =>
    (hosts ?? []).map(({ HostIp, HostPort }) => `${HostIp ?? ''}:${Number(HostPort) > 0 ? HostPort : ''}:${inside}`)
  )
  return [
    ...setDifference(then, now).map((port) => `port ${port}`),
    ...setDifference(now, then).map((port) => `no port ${port}`)
  ]
}

function mountDifferences({ service, volumes, root }: ServiceAtCommit, container: Container, top: string): string[] {
  const then = (service.volumes ?? []).flatMap(({ type, source, target, read_only }) => {
    if (type === 'tmpfs') return []
    const named = source && (type === 'volume' ? (volumes.get(source) ?? source) : plain(inPlace(source, root, top)))
    return [{ place: placeOf(plain(target)), source: named ?? null, writable: read_only !== true }]
  })
  const copied = [...(service.secrets ?? []), ...(service.configs ?? [])].map(({ source, target }) =>
    placeOf(target?.startsWith('/') ? target : `/run/secrets/${target ?? source}`)
  )
  const now = (container.Mounts ?? []).map(({ Type, Name, Source, Destination, RW }) => ({
    place: placeOf(Destination),
    source: Type === 'volume' ? Name : Source,
    writable: RW !== false
  }))
  const isThere = ({ place, source, writable }: (typeof then)[number]): boolean =>
    now.some((mount) => mount.place === place && (!source || mount.source === source) && mount.writable === writable)
  const places = new Set([...then.map(({ place }) => place), ...copied, ...Object.keys(container.Config.Volumes ?? {})])
  return [
    ...then
      .filter((mount) => !isThere(mount))
      .map(
        ({ place, source, writable }) => `mount of ${source ?? 'a volume'} at ${place}${writable ? '' : ', read-only'}`
      ),
    ...now.filter(({ place }) => !places.has(place)).map(({ place }) => `no mount at ${place}`)
  ]
}

/** A path in the folder that stood for the top of the repository. */
const inPlace = (path: string, root: string, top: string): string =>
  path === root || path.startsWith(`${root}/`) ? `${top}${path.slice(root.length)}` : path

function networkDifferences({ service, networks }: ServiceAtCommit, container: Container): string[] {
  const mode = container.HostConfig.NetworkMode ?? ''
  const special = (name: string): boolean => /^(host|none|bridge|container:|service:)/.test(name)
  if (service.network_mode) {
    const wanted = service.network_mode
    return wanted === mode || (wanted.startsWith('service:') && mode.startsWith('container:'))
      ? []
      : [`network_mode ${wanted}`]
  }
  if (special(mode)) return [`no network_mode ${mode.split(':')[0]}`]
  const then = Object.keys(service.networks ?? {}).map((name) => networks.get(name) ?? name)
  const now = Object.keys(container.NetworkSettings.Networks ?? {})
  return [
    ...setDifference(then, now).map((name) => `network ${name}`),
    ...setDifference(now, then).map((name) => `no network ${name}`)
  ]
}
