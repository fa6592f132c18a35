import type { Blocker } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import type { Target, TargetContext, TargetLease } from '../target.ts'
import type { DockerConfig } from './config.ts'
import { createContainersTarget } from './containers/target.ts'
import type { DockerContext } from './context.ts'
import type { Engine } from './engine/engine.ts'
import { findServices } from './swarm/find.ts'
import { createServicesTarget } from './swarm/target.ts'

type Leased = Target & { lease: TargetLease }

/** What runs on an engine as a target: services where a swarm runs the image, else containers. */
export function createDockerTarget(context: TargetContext<DockerConfig>, engine: Engine): Target {
  const { config, projectDir, env, clock, log, mask, history } = context
  const docker: DockerContext = { engine, config, projectDir, env, clock, log, mask, logged: new Set() }
  const { image_name, project, service, services: several, containers: named, swarm_service } = config
  for (const name of [image_name, project, service, several, named, swarm_service].flat()) if (name) mask.spare(name)
  const containers = createContainersTarget(context, docker)
  const services = createServicesTarget(docker, history)
  let chosen: Promise<Leased> | undefined
  const target = (signal: AbortSignal): Promise<Leased> => {
    chosen ??= findServices(docker, signal)
      .then((found) => (found.length > 0 ? services : containers))
      .catch((error: unknown) => {
        chosen = undefined
        throw error
      })
    return chosen
  }
  const ofStep = ({ kind }: { kind: string }): Leased => (kind.startsWith('service') ? services : containers)
  return {
    observe: async (signal) => (await target(signal)).observe(signal),
    plan: async (observation, state, release, signal) => {
      const kind = await target(signal)
      const draft = await kind.plan(observation, state, release, signal)
      return kind === services && config.rehearse ? { ...draft, blockers: [...draft.blockers, noRehearsal] } : draft
    },
    apply: (step, run) => ofStep(step).apply(step, run),
    revert: (step, run, recorded) => ofStep(step).revert(step, run, recorded),
    check: async (release: Release, look) => (await chosenOr(containers, target(look.signal))).check(release, look),
    diagnose: async (signal) => (await target(signal)).diagnose(signal),
    lease: { acquire: async (record, ttlMs, signal) => (await target(signal)).lease.acquire(record, ttlMs, signal) },
    close: async () => engine.close()
  }
}

/** A check never throws for what the engine says of itself; the containers' check tells that it cannot be asked. */
const chosenOr = (fallback: Leased, choice: Promise<Leased>): Promise<Leased> => choice.catch(() => fallback)

const noRehearsal: Blocker = {
  id: 'cannot_rehearse',
  what: 'A swarm service cannot be rehearsed',
  why: 'the swarm itself starts the tasks of a service, and gives each of them its networks and mounts',
  next: 'Pass rehearse: false, or set `rehearse` to false in the configuration of the target.'
}
