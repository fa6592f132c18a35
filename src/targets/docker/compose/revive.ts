import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Release } from '../../../model/release.ts'
import type { Step } from '../../../model/step.ts'
import { TargetError } from '../../../support/errors.ts'
import { duration } from '../../../support/text.ts'
import type { Run, StepResult } from '../../target.ts'
import type { Candidate } from '../candidate.ts'
import { inspectContainer, inspectImage, listContainers } from '../inspect.ts'
import { parseReference } from '../reference.ts'
import { remove } from '../steps/actions.ts'
import { watch } from '../steps/healthy.ts'
import { hideEnvironment, type Workshop } from '../workshop.ts'
import { projectComposeFiles } from './files.ts'
import { ownedBy } from './labels.ts'
import { callCompose, findCompose } from './program.ts'

/** A service of the project's Compose file of which no container is left. */
export interface Missing {
  file: string
  services: string[]
  /** The repository that its image is of, where the file says so. */
  repository: string | null
}

const paramsSchema = z.looseObject({
  file: z.string(),
  services: z.array(z.string().regex(/^[a-zA-Z0-9._-]+$/)).min(1),
  image: z.string(),
  project: z.string().nullable()
})

type Params = z.infer<typeof paramsSchema>

/** The services that the project's Compose file would start of the target's image. */
export async function missingServices(workshop: Workshop, repository: string | null): Promise<Missing | null> {
  const { config, projectDir } = workshop
  const [file] = await projectComposeFiles(projectDir, config.compose_file)
  if (!file) return null
  const named = config.services ?? (config.service ? [config.service] : null)
  const repositoryOf = (service: string): string | null =>
    parseReference((file.image(service)?.value ?? '').replace(/:\$(\{[^}]*\}|\w+)$/, ''))?.repository ?? null
  const services = file.services.filter((service) =>
    named ? named.includes(service) : repository !== null && repositoryOf(service) === repository
  )
  const [first] = services
  return first ? { file: file.path, services, repository: repository ?? repositoryOf(first) } : null
}

export const reviveStep = (release: Release, candidate: Candidate, missing: Missing, project: string | null): Step => {
  const names = missing.services.join(', ')
  const params = { file: missing.file, services: missing.services, image: candidate.exact, project }
  return {
    id: `compose_up:${names}`,
    kind: 'compose_up',
    phase: 'cure',
    title: `Creating ${names} from the Compose file with ${release.version}, and waiting for health`,
    params,
    undo: `remove the new containers of ${names}`,
    byHand: [
      `docker compose -f ${missing.file} up -d --no-deps --no-build ${missing.services.join(' ')} (with the image ${candidate.exact})`
    ],
    undoByHand: [`docker compose -f ${missing.file} rm -s -f ${missing.services.join(' ')}`]
  }
}

/** Lets Compose create the services, the image pinned; whatever runs already is left as it is. */
export async function applyRevival(workshop: Workshop, step: Step, run: Run): Promise<StepResult> {
  const params = paramsSchema.parse(step.params)
  const program = await findCompose(workshop.env)
  if (!program) throw noCompose()
  const image = await inspectImage(workshop.engine, params.image, run.signal)
  if (!image) throw gone(params.image)
  const pinned = params.image.includes('@') ? params.image : (image.RepoTags?.[0] ?? params.image)
  const folder = await mkdtemp(join(tmpdir(), 'popkit-compose-'))
  try {
    const override = join(folder, 'pinned.json')
    const services = Object.fromEntries(
      params.services.map((service) => [service, { image: pinned, pull_policy: 'never' }])
    )
    await writeFile(override, JSON.stringify({ services }))
    const project = params.project ? ['--project-name', params.project] : []
    const files = ['--project-directory', workshop.projectDir, '--file', params.file, '--file', override]
    await callCompose(
      workshop,
      program,
      [...files, ...project, 'up', '--detach', '--no-deps', '--no-build', ...params.services],
      run.signal
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const waited = await Promise.all(
    (await revived(workshop, image.Id, params, run.signal)).map((item) => watch(workshop, item, run))
  )
  return { detail: `healthy after ${duration(Math.max(0, ...waited))}` }
}

export async function revertRevival(workshop: Workshop, step: Step, run: Run): Promise<StepResult> {
  const params = paramsSchema.parse(step.params)
  const image = await inspectImage(workshop.engine, params.image, run.signal)
  const containers = image ? await revived(workshop, image.Id, params, run.signal) : []
  for (const container of containers) await remove(workshop, container, { ownVolumes: false, force: true }, run.signal)
  return {
    detail: containers.length > 0 ? `removed ${containers.map(({ Name }) => Name).join(', ')}` : 'there was none'
  }
}

async function revived(workshop: Workshop, imageId: string, params: Params, signal: AbortSignal) {
  const all = await listContainers(workshop.engine, { signal })
  const ours = all.filter((summary) => {
    const owned = ownedBy(summary.Labels)
    return owned !== null && summary.ImageID === imageId && params.services.includes(owned.service)
  })
  const containers = await Promise.all(ours.map(({ Id }) => inspectContainer(workshop.engine, Id, signal)))
  const found = containers.filter((container) => container !== null)
  for (const container of found) hideEnvironment(workshop.mask, container)
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
