import { z } from 'zod'
import { TargetError } from '../../../support/errors.ts'
import type { StepKind } from '../../define-steps.ts'
import type { Run, StepResult } from '../../target.ts'
import type { DockerContext } from '../context.ts'
import { EngineError } from '../engine/engine.ts'
import { parseReference, splitRepository } from '../objects/reference.ts'
import type { Service, Spec } from '../objects/swarm-schemas.ts'
import { loginFor, registryAuth } from '../registry/credentials.ts'
import { converge, follow } from './converge.ts'
import { hashOf, imageOf, withImage } from './inspect.ts'

const serviceStepSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** `previous`: the service's own previous specification. `image`: today's, with another image. */
  method: z.enum(['previous', 'image']),
  image: z.string(),
  from: z.string(),
  /** The hash of the observed specification; any other one is somebody else's and is not changed. */
  spec: z.string(),
  /** Its settings for updates, which a roll by image may borrow from those for rollbacks. */
  updateConfig: z.record(z.string(), z.json()).nullable()
})

export type ServiceStep = z.infer<typeof serviceStepSchema>

/** Rolls one service and follows it until its tasks have converged. */
export const rollService: StepKind<DockerContext, ServiceStep> = {
  params: serviceStepSchema,
  apply: roll,
  revert: undoRoll
}

async function roll(docker: DockerContext, params: ServiceStep, run: Run): Promise<StepResult> {
  const service = await existing(docker, params, run.signal)
  const asObserved = hashOf(service.Spec) === params.spec
  const done = imageOf(service.Spec) === params.image
  if (!asObserved && !done) throw changedMeanwhile(params)
  if (!done)
    await update(
      docker,
      params,
      service,
      params.method === 'previous' ? 'previous' : forward(service.Spec, params.image),
      run
    )
  const tookMs = await converge(docker, params, params.image, run)
  return { detail: `${done ? 'already updated, ' : ''}converged after ${(tookMs / 1000).toFixed(1)} s` }
}

const settingsStepSchema = z.object({
  id: z.string(),
  name: z.string(),
  updateConfig: z.record(z.string(), z.json()).nullable()
})

type SettingsStep = z.infer<typeof settingsStepSchema>

/** Gives a service back the settings for updates that a roll by image borrowed from those for rollbacks. */
export const serviceSettings: StepKind<DockerContext, SettingsStep> = {
  params: settingsStepSchema,
  apply: restoreSettings
}

async function restoreSettings(
  docker: DockerContext,
  { id, name, updateConfig }: SettingsStep,
  run: Run
): Promise<StepResult> {
  const service = await docker.engine.services.inspect(id, run.signal)
  if (!service) return { detail: `${name} was removed` }
  const wanted = withUpdateConfig(service.Spec, updateConfig)
  if (hashOf(wanted) === hashOf(service.Spec)) return { detail: 'already restored' }
  await update(docker, { id, name }, service, wanted, run)
  return { detail: `${name} has its former update settings` }
}

/** Puts the former specification back, as the service itself still holds it, and follows it; whether it serves is another question. */
async function undoRoll(docker: DockerContext, params: ServiceStep, run: Run): Promise<StepResult> {
  const service = await existing(docker, params, run.signal)
  if (hashOf(service.Spec) === params.spec) return { detail: `${params.name} was not changed` }
  if (imageOf(service.Spec) !== params.image && imageOf(service.Spec) !== params.from) throw changedMeanwhile(params)
  const held = service.PreviousSpec != null && hashOf(service.PreviousSpec) === params.spec
  const former = withUpdateConfig(withImage(service.Spec, params.from), params.updateConfig)
  await update(docker, params, service, held ? 'previous' : former, run)
  const { running, wanted, trouble } = await follow(docker, params, params.from, run)
  const what = `${params.name} has its former ${held ? 'specification' : 'image'}`
  return { detail: `${what}; ${running} of ${wanted} tasks run it${trouble ? ` (${trouble})` : ''}` }
}

/** An update towards a release that is known to be good obeys what the service says of rollbacks; the swarm never rolls it back. */
export function borrowedUpdate({ UpdateConfig, RollbackConfig }: Spec): Spec['UpdateConfig'] {
  const orders = RollbackConfig ?? UpdateConfig
  return orders?.FailureAction === 'rollback' ? { ...orders, FailureAction: 'pause' } : orders
}

const forward = (spec: Spec, image: string): Spec => withUpdateConfig(withImage(spec, image), borrowedUpdate(spec))

function withUpdateConfig({ UpdateConfig: _, ...spec }: Spec, updateConfig: Spec['UpdateConfig']): Spec {
  return { ...spec, ...(updateConfig && { UpdateConfig: updateConfig }) } as Spec
}

async function existing({ engine }: DockerContext, { id, name }: Named, signal: AbortSignal): Promise<Service> {
  const service = await engine.services.inspect(id, signal)
  if (service) return service
  throw new TargetError({
    what: `The swarm service ${name} does not exist`,
    why: 'it was removed after the plan was made',
    state: `${name} does not run.`,
    next: 'Deploy it again, then assess.',
    code: 'gone'
  })
}

const mostTries = 20
const betweenTriesMs = 100

/**
 * The version index makes sure that no other update is overwritten. A running update writes its own progress into the
 * service, which makes the index stale: then it is read and compared again.
 * @throws TargetError `changed_meanwhile` when the specification itself is another one.
 */
async function update(
  docker: DockerContext,
  params: Named,
  service: Service,
  to: 'previous' | Spec,
  run: Run
): Promise<void> {
  let now = service
  for (let attempt = 1; ; attempt++) {
    try {
      return await post(docker, now, to, run)
    } catch (error) {
      if (attempt >= mostTries || !isStale(error)) throw error
    }
    await docker.clock.sleep(betweenTriesMs, run.signal)
    now = await existing(docker, params, run.signal)
    if (contentOf(now) !== contentOf(service)) throw changedMeanwhile(params)
  }
}

const isStale = (error: unknown): boolean => error instanceof EngineError && /out of sequence/.test(error.message)

const contentOf = ({ Spec, PreviousSpec }: Service): string =>
  [Spec, PreviousSpec].map((spec) => (spec ? hashOf(spec) : '')).join(' ')

async function post(docker: DockerContext, service: Service, to: 'previous' | Spec, run: Run): Promise<void> {
  const repository = parseReference(
    imageOf(to === 'previous' ? (service.PreviousSpec ?? service.Spec) : to)
  )?.repository
  const login = repository ? await loginFor(splitRepository(repository).registry, docker, run.signal) : {}
  await docker.engine.services.update(service, to, registryAuth(login), run.signal)
}

type Named = Pick<ServiceStep, 'id' | 'name'>

const changedMeanwhile = ({ name }: Named): TargetError =>
  new TargetError({
    what: `The swarm service ${name} was changed in the meantime`,
    why: 'its specification is neither the one that the plan was made for nor the planned one',
    state: `${name} was not changed.`,
    next: 'Assess again.',
    code: 'changed_meanwhile'
  })
