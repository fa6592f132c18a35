import { isDeepStrictEqual } from 'node:util'
import type { Container, ImageDefaults } from '../../objects/schemas.ts'
import { mergedConfig, variableName } from './configuration.ts'
import type { CreateRequest } from './request.ts'

/**
 * Where a new container is not what was asked for, one line each, names only, never values of variables.
 * Nothing may be stopped before this list is empty.
 */
export function differences(
  created: Container,
  request: CreateRequest,
  image: { id: string; defaults: ImageDefaults | null | undefined }
): string[] {
  const found: string[] = []
  if (created.Image !== image.id) found.push(`image is ${created.Image}, not ${image.id}`)
  found.push(...configDifferences(created, request, image.defaults))
  for (const [key, wanted] of Object.entries(request.HostConfig))
    if (key !== 'Links' && !same(created.HostConfig[key], wanted)) found.push(`host configuration ${key}`)
  found.push(...networkDifferences(created, request))
  return found
}

function configDifferences(
  created: Container,
  request: CreateRequest,
  defaults: ImageDefaults | null | undefined
): string[] {
  const { Env: wantedEnv = [], ...wanted } = mergedConfig(request.config, defaults)
  const { Env: actualEnv, ...actual } = created.Config
  const found: string[] = []
  for (const key of Object.keys(wanted))
    if (!same(actual[key], wanted[key]) && key !== 'Hostname' && key !== 'Volumes') found.push(`configuration ${key}`)
  if (wanted.Hostname && wanted.Hostname !== actual.Hostname) found.push('configuration Hostname')
  const missing = (from: readonly string[], other: readonly string[]): string[] =>
    from.filter((entry) => !other.includes(entry)).map(variableName)
  const variables = new Set([
    ...missing(wantedEnv ?? [], actualEnv ?? []),
    ...missing(actualEnv ?? [], wantedEnv ?? [])
  ])
  for (const name of variables) found.push(`environment variable ${name}`)
  return found
}

function networkDifferences(created: Container, request: CreateRequest): string[] {
  const actual = created.NetworkSettings.Networks ?? {}
  const wanted = { ...request.first, ...request.others }
  const found: string[] = []
  for (const [name, endpoint] of Object.entries(wanted)) {
    const there = actual[name]
    if (!there) found.push(`network ${name}`)
    else {
      const aliases = there.Aliases ?? []
      if (!(endpoint.Aliases ?? []).every((alias) => aliases.includes(alias))) found.push(`aliases on network ${name}`)
      if (!same(trimmed(there.IPAMConfig), endpoint.IPAMConfig)) found.push(`fixed address on network ${name}`)
      if (!same(there.GwPriority, endpoint.GwPriority)) found.push(`gateway priority on network ${name}`)
      const options = Object.entries(endpoint.DriverOpts ?? {})
      if (!options.every(([key, value]) => there.DriverOpts?.[key] === value))
        found.push(`driver options on network ${name}`)
      if (!(endpoint.Links ?? []).every((link) => there.Links?.includes(link))) found.push(`links on network ${name}`)
    }
  }
  if (Object.keys(wanted).length > 0)
    for (const name of Object.keys(actual)) if (!(name in wanted)) found.push(`network ${name} in addition`)
  return found
}

/** Where mounts of the old container are not found on the new one. */
export function mountDifferences(old: Container, created: Container): string[] {
  return (old.Mounts ?? [])
    .filter(
      (mount) =>
        !(created.Mounts ?? []).some(
          (other) =>
            other.Type === mount.Type &&
            other.Destination === mount.Destination &&
            other.Source === mount.Source &&
            other.RW === mount.RW
        )
    )
    .map((mount) => `mount at ${mount.Destination}`)
}

const trimmed = (value: Record<string, unknown> | null | undefined): Record<string, unknown> | undefined => {
  const entries = Object.entries(value ?? {}).filter(([, inner]) => inner)
  return entries.length > 0 ? Object.fromEntries(entries) : undefined
}

/** Equal where absent, null, empty and false mean the same, as they do for the engine. */
const same = (a: unknown, b: unknown): boolean => isDeepStrictEqual(essence(a), essence(b))

function essence(value: unknown): unknown {
  if (Array.isArray(value)) return value.length > 0 ? value.map(essence) : undefined
  if (value && typeof value === 'object') {
    const entries = Object.entries(value)
      .map(([key, inner]) => [key, essence(inner)] as const)
      .filter(([key, inner]) => inner !== undefined || isMeaningfulKey(value, key))
      .sort(([x], [y]) => (x < y ? -1 : 1))
    return entries.length > 0 ? Object.fromEntries(entries) : undefined
  }
  return value === null || value === '' || value === false || value === 0 ? undefined : value
}

/** In maps such as ExposedPorts the key is the statement and the value is empty. */
const isMeaningfulKey = (_value: object, key: string): boolean =>
  key.startsWith('/') || /^\d+\/(tcp|udp|sctp)$/.test(key)
