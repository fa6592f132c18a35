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
export const dependenciesOf = (labels: Record<string, string> | null | undefined): string[] =>
  (labels?.['com.docker.compose.depends_on'] ?? '').split(',').flatMap((entry) => entry.split(':')[0] || [])

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
