import { z } from 'zod'
import { fingerprintOf } from '../../../support/canonical.ts'
import { TargetError } from '../../../support/errors.ts'
import { defineStep } from '../../define-step.ts'
import type { Run, StepResult } from '../../target.ts'
import type { DockerContext } from '../context.ts'
import { EngineError } from '../engine/engine.ts'
import { parseReference, splitRepository } from '../objects/reference.ts'
import type { Service, Spec } from '../objects/swarm-schemas.ts'
import { loginFor, registryAuth } from '../registry/credentials.ts'
import { converge, follow, serviceGone } from './converge.ts'
import type { ObservedService } from './health.ts'
import { hashOf, imageOf, referenceOf, withImage } from './inspect.ts'
import { isRelease, type ServicesState } from './observe.ts'

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
export const rollService = defineStep<DockerContext, ServicesState>()({
  kind: 'service',
  phase: 'switch',
  params: serviceStepSchema,
  describe: (_docker, { name, method, image, from }, { to }) => ({
    id: `service:${name}`,
    title: `Rolling ${name} back to ${to.version}`,
    undo: `restore the specification of ${name}`,
    manualCommands: [
      method === 'previous' ? `docker service rollback ${name}` : `docker service update --image ${image} ${name}`
    ],
    manualUndoCommands: [`docker service update --image ${from} ${name}`]
  }),
  mismatch(_docker, params, { to, state }) {
    const { id, name, method, image, from, updateConfig } = params
    const observed = state.services.find(({ service }) => service.ID === id)
    if (observed?.service.Spec.Name !== name) return `${name} is none of this target's services`
    const former = formerSpec(observed, params)
    if (!former) return `${name} never had the specification that it starts from`
    if (imageOf(former) !== from) return `${name} did not run ${from}`
    if (fingerprintOf(former.UpdateConfig ?? null) !== fingerprintOf(updateConfig))
      return `${name} had other update settings`
    const { Spec, PreviousSpec } = observed.service
    const planned = withImage(former, image)
    if (referenceOf(planned)?.repository !== referenceOf(former)?.repository || !isRelease(planned, to))
      return `${image} is not the image of ${to.version}`
    const isThere = [Spec, PreviousSpec].some((spec) => spec && imageOf(spec) === image)
    return method === 'image' || isThere ? null : `${name} has no previous specification with ${image}`
  },
  apply: roll,
  revert: undoRoll
})

/**
 * The specification that a roll starts from, as the swarm has it: today's, the previous one, or, once another update followed, today's
 * with the image that tasks of the service ran.
 */
function formerSpec({ service, tasks }: ObservedService, { spec, from }: ServiceStep): Spec | undefined {
  const ran = tasks.some((task) => task.Spec.ContainerSpec.Image === from)
  const specs = [service.Spec, service.PreviousSpec, ran ? withImage(service.Spec, from) : null]
  return specs.filter((one) => one != null).find((one) => hashOf(one) === spec)
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
export const serviceSettings = defineStep<DockerContext, ServicesState>()({
  kind: 'service_settings',
  phase: 'cleanup',
  params: settingsStepSchema,
  describe: (_docker, { name }) => ({
    id: `settings:${name}`,
    title: `Restoring the update settings of ${name}`,
    undo: null
  }),
  mismatch(_docker, { id, name, updateConfig }, { state }) {
    const service = state.services.find((one) => one.service.ID === id)?.service
    if (service?.Spec.Name !== name) return `${name} is none of this target's services`
    const had = [service.Spec, service.PreviousSpec].filter((spec) => spec != null)
    return had.some((spec) => fingerprintOf(spec.UpdateConfig ?? null) === fingerprintOf(updateConfig))
      ? null
      : `${name} had other update settings`
  },
  apply: restoreSettings
})

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
  throw serviceGone(name, 'it was removed after the plan was made')
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
  const login = repository ? await loginFor(splitRepository(repository).registry, docker, run.signal) : null
  await docker.engine.services.update(
    service,
    to,
    login ? registryAuth(docker.engine, login, run.accepted) : {},
    run.signal
  )
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
