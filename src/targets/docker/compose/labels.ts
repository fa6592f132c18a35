import type { Container, ContainerSummary } from '../objects/schemas.ts'

/** What Compose writes on each container that it owns. */
export interface Owned {
  project: string
  service: string
  /** The folder in which Compose was called, on the machine where it was called. */
  workingDir: string | null
  /** Its files, without one that was given on standard input. */
  files: string[]
  /** The files of `--env-file`, where it was given. */
  envFiles: string[]
}

/** The Compose project and service that a container belongs to; null for any other container. */
export function ownedBy(labels: Record<string, string> | null | undefined): Owned | null {
  const project = labels?.['com.docker.compose.project']
  const service = labels?.['com.docker.compose.service']
  if (!project || !service) return null
  const paths = (label: string): string[] =>
    (labels?.[`com.docker.compose.project.${label}`] ?? '').split(',').filter((path) => path !== '' && path !== '-')
  return {
    project,
    service,
    workingDir: labels?.['com.docker.compose.project.working_dir'] || null,
    files: paths('config_files'),
    envFiles: paths('environment_file')
  }
}

/** The services on which the service of a container depends: `db:service_healthy:false,cache`. */
const dependenciesOf = (labels: Record<string, string> | null | undefined): string[] =>
  (labels?.['com.docker.compose.depends_on'] ?? '').split(',').flatMap((entry) => entry.split(':')[0] || [])

/** Whether the service of a container depends on another one of its project; true for what an old Compose created, which does not tell. */
export const dependsOn = (labels: Record<string, string> | null | undefined, service: string): boolean =>
  labels?.['com.docker.compose.depends_on'] === undefined || dependenciesOf(labels).includes(service)

/** The label in which Compose keeps which image it created a container from; by it `up` sees that another one is wanted. */
export const imageLabel = 'com.docker.compose.image'

/** A container of `docker compose run`, which is no part of the service. */
export const isOneOff = (summary: ContainerSummary): boolean =>
  summary.Labels?.['com.docker.compose.oneoff']?.toLowerCase() === 'true'

/** The services of containers, each once. */
export function servicesOf(containers: readonly Container[]): Owned[] {
  const found = new Map<string, Owned>()
  for (const container of containers) {
    const owned = ownedBy(container.Config.Labels)
    if (owned) found.set(`${owned.project} ${owned.service}`, owned)
  }
  return [...found.values()]
}

type Labels = Record<string, string> | null | undefined

/**
 * Parts items into rounds: those of a service come after those of the services that it depends on, as far as these are among
 * them. What is in one round does not depend on each other; within it the order stays.
 */
export function inRounds<T>(items: readonly T[], labelsOf: (item: T) => Labels): T[][] {
  const serviceOf = (item: T): string | undefined => ownedBy(labelsOf(item))?.service
  const bases = new Map(items.map((item) => [serviceOf(item), dependenciesOf(labelsOf(item))]))
  const depth = (service: string | undefined, above: readonly (string | undefined)[] = []): number => {
    const below = (bases.get(service) ?? []).filter((base) => bases.has(base) && ![...above, service].includes(base))
    return below.length === 0 ? 0 : 1 + Math.max(...below.map((base) => depth(base, [...above, service])))
  }
  const depths = items.map((item) => depth(serviceOf(item)))
  return [...new Set(depths)].sort((a, b) => a - b).map((round) => items.filter((_, index) => depths[index] === round))
}
