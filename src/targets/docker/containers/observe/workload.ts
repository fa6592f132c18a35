import { type IsJob, jobsAmong } from '../../compose/jobs.ts'
import { isOneOff, ownedBy, servicesOf } from '../../compose/labels.ts'
import { type Missing, missingServices } from '../../compose/missing.ts'
import { type DockerConfig, registryIn } from '../../config.ts'
import type { DockerContext } from '../../context.ts'
import { baseName, leaseLabel, marked } from '../../objects/names.ts'
import { normalRepository, parseReference } from '../../objects/reference.ts'
import { type Container, type ContainerSummary, type ImageSummary, nameOf } from '../../objects/schemas.ts'
import { whyUnrelated } from './groups.ts'
import { type Members, membersOf } from './members.ts'

/** The containers that make up the target, and the other containers and images of the engine. */
export interface Workload extends Members {
  /** `[registry/]image_name`; null when neither configuration nor containers name one. */
  repository: string | null
  /** All of them, with those that a rollback keeps under a name of its own. */
  meant: Container[]
  /** Whether it is a job: it runs once, and its end with exit code 0 is its success. */
  isJob: IsJob
  /** The Compose project that is meant, where it is one. */
  project?: string
  /** Services of the project's Compose file of which no container is left. */
  missing?: Missing
  /** Every container of the engine. */
  all: ContainerSummary[]
  /** The repository's local images. */
  images: ImageSummary[]
  /** Every image of the engine. */
  everyImage: ImageSummary[]
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
  // Another project may have a service of that name and of another image.
  const byWord = byName || (byService && (Boolean(config.project) || configured === null))
  const candidates = inspected.filter(
    (container): container is Container =>
      container !== null && (byWord || isContainerOf(container, configured, imageIds))
  )
  const mine = byName ? candidates : ofThisFolder(candidates, docker)
  const found = oneForEachName(mine)
  const isJob = jobsAmong(all)
  const isAsked = ({ Config }: Container): boolean => isNamedService(ownedBy(Config.Labels)?.service, config)
  const members = byName ? { containers: found, retired: [], aside: [] } : membersOf(found, isJob, isAsked)
  const counts = (container: Container): boolean => isAsked(container) || !isJob(container)
  const unrelated = byName ? null : whyUnrelated(members.containers)
  const missing = unrelated
    ? null
    : await missingServices(docker, { repository: configured, current: found.filter(counts), all }, signal)
  const project = byName
    ? null
    : (config.project ?? missing?.project ?? theOneProjectOf(members.containers.length > 0 ? members.containers : mine))
  const repository = configured ?? repositoryOf(found[0]) ?? missing?.repository ?? null
  return {
    repository,
    meant: [...mine],
    ...(unrelated ? { ambiguous: unrelated } : {}),
    ...members,
    isJob,
    ...(missing ? { missing } : {}),
    ...(project ? { project } : {}),
    all,
    everyImage,
    images: repository ? everyImage.filter((image) => isOf(image, repository)) : []
  }
}

/** One image may run in several Compose projects, as staging and production; the one of this folder is meant, where there is one. */
function ofThisFolder(candidates: readonly Container[], { config, projectDir }: DockerContext): readonly Container[] {
  if (config.project) return candidates
  const owners = servicesOf(candidates)
  const here = new Set(owners.filter(({ workingDir }) => workingDir === projectDir).map(({ project }) => project))
  return here.size === 1
    ? candidates.filter(({ Config }) => here.has(ownedBy(Config.Labels)?.project ?? ''))
    : candidates
}

/** null where the containers are of none, or of several. */
function theOneProjectOf(containers: readonly Container[]): string | null {
  const [project, ...others] = new Set(servicesOf(containers).map((owned) => owned.project))
  return project !== undefined && others.length === 0 ? project : null
}

/** Whether the configuration means services of a Compose project. */
export const asksForServices = (config: DockerConfig): boolean =>
  Boolean(config.project || config.services?.length || config.service)

const namedServices = (config: DockerConfig): string[] | null =>
  config.services ?? (config.service ? [config.service] : null)

const isNamedService = (service: string | undefined, config: DockerConfig): boolean =>
  service !== undefined && Boolean(namedServices(config)?.includes(service))

function isOfServices(summary: ContainerSummary, config: DockerConfig): boolean {
  const owned = ownedBy(summary.Labels)
  const services = namedServices(config)
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
function oneForEachName(candidates: readonly Container[]): Container[] {
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
