import { z } from 'zod'
import type { Blocker } from '../../../model/observation.ts'
import type { Release } from '../../../model/release.ts'
import type { Step } from '../../../model/step.ts'
import { messageOf, TargetError } from '../../../support/errors.ts'
import { duration, oneLine } from '../../../support/text.ts'
import type { Run, StepResult } from '../../target.ts'
import type { Candidate } from '../containers/plan/candidate-image.ts'
import { remove } from '../containers/steps/actions.ts'
import { watch } from '../containers/steps/healthy.ts'
import { type DockerContext, hideEnvironment } from '../context.ts'
import { parseReference } from '../objects/reference.ts'
import type { Container, ContainerSummary } from '../objects/schemas.ts'
import { shortPath, writtenImages } from './files.ts'
import { ownedBy, servicesOf } from './labels.ts'
import { callCompose, findCompose } from './program.ts'
import { findPlace, placeOptions, placeSchema, readProject } from './project.ts'
import { composeProjectName } from './project-name.ts'

/** Services of the project's Compose files of which no container is left. */
export const missingSchema = z.object({
  ...placeSchema.shape,
  project: z.string(),
  services: z.array(z.string().regex(/^[a-zA-Z0-9._-]+$/)).min(1),
  /** The repository that their image is of, where the files say so. */
  repository: z.string().nullable()
})

export type Missing = z.infer<typeof missingSchema>

const paramsSchema = z.looseObject({ ...missingSchema.shape, image: z.string() })

type Params = z.infer<typeof paramsSchema>

/** The label by which a container tells which rollback had Compose create it. */
const revivedLabel = 'popkit.rollback.revived'

/** The services of the target that Compose would start and that have no container: those named, else those of its image. */
export async function missingServices(
  docker: DockerContext,
  {
    repository,
    standing,
    all
  }: { repository: string | null; standing: readonly Container[]; all: readonly ContainerSummary[] },
  signal: AbortSignal
): Promise<Missing | null> {
  const { config } = docker
  const named = config.services ?? (config.service ? [config.service] : null)
  if (standing.length > 0 && !named) return null
  const there = new Set(servicesOf(standing).map(({ service }) => service))
  if (named?.every((service) => there.has(service))) return null
  const place = await findPlace(docker, all, signal)
  if (!place) return null
  const read = await readProject(docker, place, named ? { profiles: 'all' } : {}, signal).catch(() => null)
  const images = read?.images ?? (await writtenImages(place.files))
  const repositoryOf = (service: string): string | null => repositoryIn(images.get(service) ?? '')
  const services = [...images.keys()].filter(
    (service) =>
      !there.has(service) &&
      (named ? named.includes(service) : repository !== null && repositoryOf(service) === repository)
  )
  const [first] = services
  const project = read?.name ?? config.project ?? (await composeProjectName(place.files, docker.env))
  return first ? { ...place, project, services, repository: repository ?? repositoryOf(first) } : null
}

/** The repository of an image whose tag may be a variable, or a variable that is set nowhere. */
const repositoryIn = (image: string): string | null =>
  parseReference(image.replace(/:(\$(\{[^}]*\}|\w+))?$/, ''))?.repository ?? null

/** Why the missing services cannot be created; null when they can. */
export async function whyNotRevived(
  docker: DockerContext,
  missing: Missing,
  signal: AbortSignal
): Promise<Blocker | null> {
  const what = `${missing.services.join(', ')} cannot be created`
  if (!(await findCompose(docker.env)))
    return {
      id: 'no_compose',
      what,
      why: 'no container of it is left, and Docker Compose v2 was not found',
      next: 'Install Docker Compose v2, or start the earlier version by hand.'
    }
  try {
    await readProject(docker, missing, { profiles: 'all' }, signal)
    return null
  } catch (error) {
    signal.throwIfAborted()
    return {
      id: 'compose_unreadable',
      what,
      why: `no container of it is left, and Compose cannot read its project: ${oneLine(messageOf(error), 300)}`,
      next: `Look at ${missing.files.map(shortPath).join(', ')} with docker compose config, and assess again.`
    }
  }
}

export const reviveStep = (release: Release, candidate: Candidate, missing: Missing): Step => {
  const names = missing.services.join(', ')
  const compose = ['docker compose', ...placeOptions(missing, { project: missing.project })].join(' ')
  return {
    id: `compose_up:${names}`,
    kind: 'compose_up',
    phase: 'switch',
    title: `Creating ${names} from the Compose file with ${release.version}, and waiting for health`,
    params: { ...missing, image: candidate.exact },
    undo: `remove the new containers of ${names}`,
    manualCommands: [
      `${compose} up -d --no-deps --no-build ${missing.services.join(' ')} (with the image ${candidate.exact})`
    ],
    manualUndoCommands: [`${compose} rm -s -f ${missing.services.join(' ')}`]
  }
}

/** Lets Compose create the services, the image pinned; whatever is there already is left as it is. */
export async function applyRevival(docker: DockerContext, step: Step, run: Run): Promise<StepResult> {
  const params = paramsSchema.parse(step.params)
  const program = await findCompose(docker.env)
  if (!program) throw noCompose()
  const image = await docker.engine.images.inspect(params.image, run.signal)
  if (!image) throw gone(params.image)
  const pinned = params.image.includes('@') ? params.image : (image.RepoTags?.[0] ?? params.image)
  const service = { image: pinned, pull_policy: 'never', labels: { [revivedLabel]: run.rollbackId } }
  const services = Object.fromEntries(params.services.map((name) => [name, service]))
  const options = [...placeOptions(params, { project: params.project }), '--file', '-']
  const up = ['up', '--detach', '--no-deps', '--no-build', '--no-recreate', ...params.services]
  await callCompose(docker, program, [...options, ...up], {
    signal: run.signal,
    input: JSON.stringify({ services })
  })
  const containers = await revived(docker, params, run)
  const there = new Set(servicesOf(containers).map((owned) => owned.service))
  const foreign = params.services.filter((name) => !there.has(name))
  if (foreign.length > 0) throw createdByOthers(foreign)
  const waited = await Promise.all(containers.map((item) => watch(docker, item, run)))
  return { detail: `healthy after ${duration(Math.max(0, ...waited))}` }
}

export async function revertRevival(docker: DockerContext, step: Step, run: Run): Promise<StepResult> {
  const containers = await revived(docker, paramsSchema.parse(step.params), run)
  for (const container of containers) await remove(docker, container, { ownVolumes: false, force: true }, run.signal)
  return {
    detail: containers.length > 0 ? `removed ${containers.map(({ Name }) => Name).join(', ')}` : 'there was none'
  }
}

/** What this rollback had created, and nobody else: no other project's, none that a person started meanwhile. */
async function revived(
  docker: DockerContext,
  { project, services }: Params,
  { rollbackId, signal }: Pick<Run, 'rollbackId' | 'signal'>
): Promise<Container[]> {
  const all = await docker.engine.containers.list(signal)
  const ours = all.filter(({ Labels }) => {
    const owned = ownedBy(Labels)
    return Labels?.[revivedLabel] === rollbackId && owned?.project === project && services.includes(owned.service)
  })
  const containers = await Promise.all(ours.map(({ Id }) => docker.engine.containers.inspect(Id, signal)))
  const found = containers.filter((container) => container !== null)
  for (const container of found) hideEnvironment(docker.mask, container)
  return found
}

const noCompose = (): TargetError =>
  new TargetError({
    what: 'The service cannot be created',
    why: 'Docker Compose v2 was not found: neither as a plugin of the Docker command nor as docker-compose on the PATH',
    next: 'Install it, or start the earlier version by hand.',
    code: 'no_compose'
  })

const gone = (image: string): TargetError =>
  new TargetError({
    what: 'The service cannot be created',
    why: `the image ${image} is not on the engine`,
    next: 'Assess again.',
    code: 'image_gone'
  })

const createdByOthers = (services: string[]): TargetError =>
  new TargetError({
    what: `${services.join(', ')} was not created`,
    why: 'a container of it has appeared meanwhile, which somebody else started',
    state: 'That container was left as it is.',
    next: 'Assess again.',
    code: 'changed_meanwhile'
  })
