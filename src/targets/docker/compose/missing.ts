import { basename, dirname } from 'node:path'
import { z } from 'zod'
import type { DockerContext } from '../context.ts'
import { isShort, parseReference } from '../objects/reference.ts'
import type { Container, ContainerSummary } from '../objects/schemas.ts'
import { readComposeFiles, writtenImages } from './files.ts'
import { servicesOf } from './labels.ts'
import { findLocation, locationSchema, readProject } from './project.ts'
import { projectName } from './project-name.ts'

/** Services of the project's Compose files of which no container is left. */
export const missingSchema = z.object({
  ...locationSchema.shape,
  project: z.string(),
  services: z.array(z.string().regex(/^[a-zA-Z0-9._-]+$/)).min(1),
  /** The repository that their image is of, where the files say so. */
  repository: z.string().nullable()
})

export type Missing = z.infer<typeof missingSchema>

/** The services of the target that Compose would start and that have no container: those named, else those of its image. */
export async function missingServices(
  docker: DockerContext,
  {
    repository,
    current,
    all
  }: { repository: string | null; current: readonly Container[]; all: readonly ContainerSummary[] },
  signal: AbortSignal
): Promise<Missing | null> {
  const { config } = docker
  const named = config.services ?? (config.service ? [config.service] : null)
  if (current.length > 0 && !named) return null
  const there = new Set(servicesOf(current).map(({ service }) => service))
  if (named?.every((service) => there.has(service))) return null
  const location = await findLocation(docker, all, signal)
  if (!location) return null
  const read = await readProject(docker, location, named ? { profiles: 'all' } : {}, signal).catch(() => null)
  const images = read?.images ?? (await writtenImages(location.files))
  const repositoryOf = (service: string): string | null => repositoryIn(images.get(service) ?? '')
  const services = [...images.keys()].filter(
    (service) =>
      !there.has(service) &&
      (named
        ? named.includes(service)
        : repository !== null && repositoryOf(service) === repository && !read?.jobs.has(service))
  )
  const [first] = services
  const project = read?.name ?? config.project ?? (await composeProjectName(location.files, docker.env))
  return first ? { ...location, project, services, repository: repository ?? repositoryOf(first) } : null
}

/** The repository of an image whose tag may be a variable, or a variable that is set nowhere. */
const repositoryIn = (image: string): string | null =>
  (isShort(image) && parseReference(image.replace(/:(\$(\{[^{}]*\}|\w+))?$/, ''))?.repository) || null

/** The name that Compose gives to the project of files. */
async function composeProjectName(files: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const named = (await readComposeFiles(files)).findLast(({ name }) => name !== null)?.name
  return projectName(named, basename(dirname(files[0] ?? '')), env)
}
