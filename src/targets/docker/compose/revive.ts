import { z } from 'zod'
import type { Blocker } from '../../../model/observation.ts'
import { messageOf, TargetError } from '../../../support/errors.ts'
import { shellWord } from '../../../support/shell-word.ts'
import { duration, oneLine } from '../../../support/text.ts'
import { defineStep } from '../../define-step.ts'
import type { Run, StepResult } from '../../target.ts'
import type { ContainersState } from '../containers/observe/observe.ts'
import { isImageOf } from '../containers/observe/releases.ts'
import { remove } from '../containers/steps/actions.ts'
import { awaitHealth } from '../containers/steps/await-health.ts'
import type { DockerContext } from '../context.ts'
import { throughRestarts } from '../engine/restarts.ts'
import type { Container } from '../objects/schemas.ts'
import { shortPath } from './files.ts'
import { ownedBy, servicesOf } from './labels.ts'
import { type Missing, missingSchema } from './missing.ts'
import { callCompose, findCompose } from './program.ts'
import { knownPaths, locationOptions, readProject } from './project.ts'

const paramsSchema = missingSchema.omit({ repository: true }).extend({ image: z.string() })

type Params = z.infer<typeof paramsSchema>

/** The label with the rollback that had Compose create a container. */
const revivedLabel = 'popkit.rollback.revived'

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
      why: 'it has no container, and Docker Compose v2 was not found',
      next: 'Install Docker Compose v2, or start the earlier version manually.'
    }
  try {
    await readProject(docker, missing, { profiles: 'all' }, signal)
    return null
  } catch (error) {
    signal.throwIfAborted()
    return {
      id: 'compose_unreadable',
      what,
      why: `it has no container, and Compose cannot read its project: ${oneLine(messageOf(error), 300)}`,
      next: `Check ${missing.files.map(shortPath).join(', ')} with docker compose config, then assess again.`
    }
  }
}

/** Lets Compose create the services with the image pinned; containers that exist are left as they are. */
export const composeUp = defineStep<DockerContext, ContainersState>()({
  kind: 'compose_up',
  phase: 'switch',
  params: paramsSchema,
  describe(_docker, params, { to }) {
    const names = params.services.join(', ')
    const compose = ['docker', 'compose', ...locationOptions(params, { project: params.project })]
    const command = (...more: string[]): string => [...compose, ...more].map(shellWord).join(' ')
    const up = command('up', '-d', '--no-deps', '--no-build', ...params.services)
    return {
      id: `compose_up:${names}`,
      title: `Creating ${names} from the Compose file with ${to.version}, and waiting for health`,
      undo: `remove the new containers of ${names}`,
      manualCommands: [`${up} (with the image ${params.image})`],
      manualUndoCommands: [command('rm', '-s', '-f', ...params.services)]
    }
  },
  async mismatch(docker, params, { to, state, signal }) {
    const { project, services, image } = params
    const owned = servicesOf(state.meant)
    const projects = [state.project, state.missing?.project, ...owned.map((one) => one.project)]
    if (!projects.includes(project)) return `it is about the Compose project ${project}`
    const ours = [...(state.missing?.services ?? []), ...owned.map(({ service }) => service)]
    const foreign = services.find((service) => !ours.includes(service))
    if (foreign !== undefined) return `the service ${foreign} is none of this target's`
    const known = await knownPaths(docker, project, state.all)
    const { files, envFiles, workingDir } = params
    const stray = [...files, ...envFiles, ...(workingDir ? [workingDir] : [])].find((path) => !known.has(path))
    if (stray !== undefined) return `${stray} is none of the project's files`
    return (await isImageOf(docker, image, to, state.repository, signal))
      ? null
      : `${image} is not the image of ${to.version}`
  },
  apply: (docker, params, run) => throughRestarts(docker, run, () => revive(docker, params, run)),
  revert: (docker, params, run) => throughRestarts(docker, run, () => removeRevived(docker, params, run))
})

async function revive(docker: DockerContext, params: Params, run: Run): Promise<StepResult> {
  const program = await findCompose(docker.env)
  if (!program) throw noCompose()
  const image = await docker.engine.images.inspect(params.image, run.signal)
  if (!image) throw gone(params.image)
  const pinned = params.image.includes('@') ? params.image : (image.RepoTags?.[0] ?? params.image)
  const service = { image: pinned, pull_policy: 'never', labels: { [revivedLabel]: run.rollbackId } }
  const services = Object.fromEntries(params.services.map((name) => [name, service]))
  const options = [...locationOptions(params, { project: params.project }), '--file', '-']
  const up = ['up', '--detach', '--no-deps', '--no-build', '--no-recreate', ...params.services]
  await callCompose(docker, program, [...options, ...up], {
    signal: run.signal,
    limitMs: 15 * 60_000,
    input: JSON.stringify({ services })
  })
  const containers = await revived(docker, params, run)
  const there = new Set(servicesOf(containers).map((owned) => owned.service))
  const foreign = params.services.filter((name) => !there.has(name))
  if (foreign.length > 0) throw createdByOthers(foreign)
  const waited = await Promise.all(containers.map((item) => awaitHealth(docker, item, run)))
  return { detail: `healthy after ${duration(Math.max(0, ...waited))}` }
}

async function removeRevived(docker: DockerContext, params: Params, run: Run): Promise<StepResult> {
  const containers = await revived(docker, params, run)
  for (const container of containers) await remove(docker, container, { ownVolumes: false, force: true }, run.signal)
  return {
    detail: containers.length > 0 ? `removed ${containers.map(({ Name }) => Name).join(', ')}` : 'nothing to remove'
  }
}

/** The containers that this rollback created: none of another project, none that a person started in the meantime. */
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
  return containers.filter((container) => container !== null)
}

const noCompose = (): TargetError =>
  new TargetError({
    what: 'The service cannot be created',
    why: 'Docker Compose v2 was not found: neither as a plugin of the Docker command nor as docker-compose on the PATH',
    next: 'Install it, or start the earlier version manually.',
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
    why: 'another process started a container of it in the meantime',
    state: 'That container was not changed.',
    next: 'Assess again.',
    code: 'changed_meanwhile'
  })
