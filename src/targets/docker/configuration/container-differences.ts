import { isDeepStrictEqual } from 'node:util'
import { endpointsFor } from '../containers/recreate/networks.ts'
import type { Container } from '../objects/schemas.ts'

/** What of a container's configuration does not go back, and how people call it. */
const compared: Record<string, string> = {
  Privileged: 'privileged',
  CapAdd: 'cap_add',
  CapDrop: 'cap_drop',
  SecurityOpt: 'security_opt',
  GroupAdd: 'group_add',
  Devices: 'devices',
  DeviceRequests: 'device requests',
  NetworkMode: 'network mode',
  PidMode: 'pid',
  IpcMode: 'ipc',
  UTSMode: 'uts',
  UsernsMode: 'userns_mode',
  ReadonlyRootfs: 'read_only',
  RestartPolicy: 'restart policy',
  Memory: 'memory limit',
  NanoCpus: 'cpus',
  PortBindings: 'ports',
  ExtraHosts: 'extra_hosts',
  Dns: 'dns',
  Sysctls: 'sysctls',
  Ulimits: 'ulimits',
  Tmpfs: 'tmpfs',
  LogConfig: 'logging',
  Init: 'init',
  ShmSize: 'shm_size'
}

/** Where an earlier container differs from the present one in what does not go back, one line each. */
export function containerDifferences(earlier: Container, now: Container): string[] {
  const networks = [earlier, now].map((container) => Object.keys(endpointsFor(container)))
  const mounts = (container: Container): string[] =>
    (container.Mounts ?? []).map(({ Type, Name, Source, Destination, RW }) =>
      [Type === 'volume' ? Name : Source, Destination, RW === false ? 'read-only' : ''].join(' at ')
    )
  const [before, after] = [mounts(earlier), mounts(now)]
  const lineOf = (mount: string): string => mount.replace(/ at $/, '').replace(/ at read-only$/, ', read-only')
  return [
    ...Object.entries(compared).flatMap(([key, word]) =>
      isDeepStrictEqual(essence(earlier.HostConfig[key]), essence(now.HostConfig[key])) ? [] : [word]
    ),
    ...before.filter((mount) => !after.includes(mount)).map((mount) => `mount of ${lineOf(mount)}`),
    ...after.filter((mount) => !before.includes(mount)).map((mount) => `no mount of ${lineOf(mount)}`),
    ...(networks[0] ?? []).filter((name) => !networks[1]?.includes(name)).map((name) => `network ${name}`),
    ...(networks[1] ?? []).filter((name) => !networks[0]?.includes(name)).map((name) => `no network ${name}`)
  ]
}

/** Absent, null, empty and false are the same for the engine. */
function essence(value: unknown): unknown {
  if (value === null || value === false || value === '' || value === 0) return undefined
  if (Array.isArray(value)) return value.length > 0 ? value : undefined
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0 ? undefined : value
}
