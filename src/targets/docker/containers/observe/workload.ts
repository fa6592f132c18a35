import { isOneOff, ownedBy, servicesOf } from '../../compose/labels.ts'
import { type Missing, missingServices } from '../../compose/missing.ts'
import { type DockerConfig, registryIn } from '../../config.ts'
import type { DockerContext } from '../../context.ts'
import { baseName, leaseLabel, marked } from '../../objects/names.ts'
import { normalRepository, parseReference } from '../../objects/reference.ts'
import { type Container, type ContainerSummary, type ImageSummary, nameOf } from '../../objects/schemas.ts'

/** The containers that make up the target, and the other containers and images of the engine. */
export interface Workload {
  /** `[registry/]image_name`; null when neither configuration nor containers name one. */
  repository: string | null
  /** What serves, or should; by name. */
  containers: Container[]
  /** All of them, with those that a rollback keeps under a name of its own. */
  meant: Container[]
  /** Stopped ones of the same repository with other images: evidence of what once served. */
  retired: Container[]
  /** Why it is not clear which containers are meant. */
  ambiguous?: string
  /** The Compose project that is meant, where it is one. */
  project?: string
  /** Services of the project's Compose file of which no container is left. */
  missing?: Missing
  /** Every container of the engine. */
  all: ContainerSummary[]
  /** The repository's local images. */
  images: ImageSummary[]
}

/** `[registry/]image_name` of the configuration, in its normal spelling. */
export function configuredRepository(config: DockerConfig): string | null {
  const name = config.image_name?.trim()
  if (!name) return null
  const bare = parseReference(name)?.repository ?? name
  const registry = registryIn(config.registry ?? '')
  return normalRepository(!registry || bare.startsWith(`${registry}/`) ? bare : `${registry}/${bare}`)
}

/** Finds the containers meant: the configured ones or Compose services, else those of the repository. */
export async function findWorkload(docker: DockerContext, signal: AbortSignal): Promise<Workload> {
  const { engine, config } = docker
  const [all, everyImage] = await Promise.all([engine.containers.list(signal), engine.images.list(signal)])
  for (const summary of all) docker.mask.spare(baseName(nameOf(summary)))
  const own = all.filter((summary) => !isForeign(summary))
  const configured = configuredRepository(config)
  const imageIds = new Set(everyImage.filter((image) => configured && isOf(image, configured)).map((image) => image.Id))
  const byName = Boolean(config.containers?.length)
  const byService = asksForServices(config)
  const wanted = own.filter((summary) => {
    if (byName) return config.containers?.includes(baseName(nameOf(summary)))
    if (byService) return isOfServices(summary, config)
    return configured && mayBeOf(summary, configured, imageIds)
  })
  const inspected = await Promise.all(wanted.map((summary) => engine.containers.inspect(summary.Id, signal)))
  const candidates = inspected.filter(
    (container): container is Container =>
      container !== null && (byName || byService || isContainerOf(container, configured, imageIds))
  )
  const { containers: mine, ambiguous } = ofOneProject(candidates, docker)
  const found = oneForEachName(mine)
  const missing = ambiguous
    ? null
    : await missingServices(docker, { repository: configured, current: found, all }, signal)
  const project = byName ? null : (config.project ?? missing?.project ?? theOneProjectOf(mine))
  const repository = configured ?? repositoryOf(found[0]) ?? missing?.repository ?? null
  return {
    repository,
    meant: mine,
    ...(byName ? { containers: found, retired: [] } : currentOf(found)),
    ...(ambiguous ? { ambiguous } : {}),
    ...(missing ? { missing } : {}),
    ...(project ? { project } : {}),
    all,
    images: repository ? everyImage.filter((image) => isOf(image, repository)) : []
  }
}

/** One image may run in several Compose projects, as staging and production; only this folder's is meant, or the one configured. */
function ofOneProject(
  candidates: Container[],
  { config, projectDir }: DockerContext
): { containers: Container[]; ambiguous?: string } {
  const owners = servicesOf(candidates)
  const projects = [...new Set(owners.map(({ project }) => project))]
  if (config.project || config.containers?.length || projects.length < 2) return { containers: candidates }
  const here = new Set(owners.filter(({ workingDir }) => workingDir === projectDir).map(({ project }) => project))
  if (here.size === 1)
    return { containers: candidates.filter(({ Config }) => here.has(ownedBy(Config.Labels)?.project ?? '')) }
  return {
    containers: candidates,
    ambiguous: `several Compose projects run it: ${projects.sort().join(', ')}; name one in \`project\``
  }
}

/** null where the containers are of none, or of several. */
function theOneProjectOf(containers: readonly Container[]): string | null {
  const [project, ...others] = new Set(servicesOf(containers).map((owned) => owned.project))
  return project !== undefined && others.length === 0 ? project : null
}

/** Whether the configuration means services of a Compose project. */
export const asksForServices = (config: DockerConfig): boolean =>
  Boolean(config.project || config.services?.length || config.service)

function isOfServices(summary: ContainerSummary, config: DockerConfig): boolean {
  const owned = ownedBy(summary.Labels)
  const services = config.services ?? (config.service ? [config.service] : null)
  if (!owned || (config.project && owned.project !== config.project)) return false
  if (services) return services.includes(owned.service)
  const repository = configuredRepository(config)
  return repository === null || parseReference(summary.Image)?.repository === repository
}

/** Leases, tasks of an orchestrator, rehearsals: never replaced. */
const isForeign = (summary: ContainerSummary): boolean => {
  const labels = summary.Labels ?? {}
  return (
    leaseLabel in labels ||
    isOneOff(summary) ||
    'com.docker.swarm.service.id' in labels ||
    'io.kubernetes.pod.namespace' in labels ||
    marked(nameOf(summary))?.role === 'try'
  )
}

const isOf = (image: ImageSummary, repository: string): boolean =>
  [...(image.RepoTags ?? []), ...(image.RepoDigests ?? [])].some(
    (reference) => parseReference(reference)?.repository === repository
  )

/** A list shows an id where the tag has moved on; only inspection tells what the container was created from. */
const mayBeOf = (summary: ContainerSummary, repository: string, imageIds: Set<string>): boolean =>
  imageIds.has(summary.ImageID) ||
  /^(sha256:)?[a-f0-9]{12,64}$/.test(summary.Image) ||
  parseReference(summary.Image)?.repository === repository

const isContainerOf = (container: Container, repository: string | null, imageIds: Set<string>): boolean =>
  imageIds.has(container.Image) || parseReference(container.Config.Image)?.repository === repository

const repositoryOf = (container: Container | undefined): string | null =>
  container ? (parseReference(container.Config.Image)?.repository ?? null) : null

/** One container for each name: the one that has it, else, in the middle of a rollback, the one that runs in its stead. */
function oneForEachName(candidates: Container[]): Container[] {
  const byName = new Map<string, Container>()
  const rank = (container: Container): number => {
    const role = marked(container.Name)?.role
    if (!role) return 4
    return container.State.Running ? (role === 'old' ? 3 : 2) : role === 'old' ? 1 : 0
  }
  for (const container of candidates) {
    const name = baseName(container.Name)
    const other = byName.get(name)
    if (!other || rank(container) > rank(other)) byName.set(name, container)
  }
  return [...byName.values()].sort((a, b) => (a.Name < b.Name ? -1 : 1))
}

/** Parts what serves, or should, from what was left behind stopped. */
function currentOf(found: Container[]): Pick<Workload, 'containers' | 'retired' | 'ambiguous'> {
  const up = found.filter((container) => container.State.Running || container.State.Restarting)
  if (up.length === 0) return allDown(found)
  const newest = newestOf(found)
  if (!newest) return { containers: [], retired: [] }
  const strayed = !up.some((container) => container.Image === newest.Image) && !finished(newest)
  const images = new Set(up.map((container) => container.Image))
  const result = parted(
    found,
    (container) => up.includes(container) || (images.has(container.Image) && !finished(container))
  )
  if (!strayed) return result
  const names = up.map((container) => container.Name).join(', ')
  return {
    ...result,
    ambiguous: `${newest.Name} is the newest container and does not run, while ${names} runs another image`
  }
}

/** A migration that ran once and ended well must not run again; a container with a restart policy was stopped on purpose. */
function allDown(found: Container[]): Pick<Workload, 'containers' | 'retired'> {
  const isJob = (container: Container): boolean =>
    finished(container) && ['', 'no', 'on-failure'].includes(container.HostConfig.RestartPolicy?.Name ?? '')
  const failed = found.filter((container) => !isJob(container))
  const meant = failed.length > 0 ? failed : found
  const newest = newestOf(meant)
  return parted(found, (container) => meant.includes(container) && container.Image === newest?.Image)
}

const newestOf = (containers: readonly Container[]): Container | undefined =>
  [...containers].sort((a, b) => Date.parse(b.Created) - Date.parse(a.Created))[0]

const finished = ({ State: state }: Container): boolean =>
  !state.Running && state.ExitCode === 0 && state.Status === 'exited'

const parted = (found: Container[], isCurrent: (container: Container) => boolean) => ({
  containers: found.filter(isCurrent),
  retired: found.filter((container) => !isCurrent(container))
})
