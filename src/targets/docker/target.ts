import type { Blocker } from '../../model/observation.ts'
import type { Observed, Target, TargetContext } from '../target.ts'
import { withProbe } from '../with-probe.ts'
import type { DockerConfig } from './config.ts'
import { check } from './containers/check/check.ts'
import { probeOnce } from './containers/check/probe.ts'
import { diagnose } from './containers/diagnose.ts'
import { createLease } from './containers/lease.ts'
import { observe } from './containers/observe/observe.ts'
import { plan } from './containers/plan/plan.ts'
import { type DockerContext, hidingSecrets } from './context.ts'
import { createEngine } from './engine/client.ts'
import { connect } from './engine/connect.ts'
import type { Engine } from './engine/engine.ts'
import { type DockerState, steps } from './steps.ts'
import { checkServices } from './swarm/check.ts'
import { diagnoseServices } from './swarm/diagnose.ts'
import { findServices } from './swarm/find.ts'
import { createServiceLease } from './swarm/lease.ts'
import { observeServices } from './swarm/observe.ts'
import { planServices } from './swarm/plan.ts'

/** Opens no connection before the target is first asked. @throws ConfigError when the configuration names no engine. */
export async function openTarget(context: TargetContext<DockerConfig>): Promise<Target> {
  const { host, docker_context } = context.config
  const transport = await connect(
    { host: host || undefined, context: docker_context || undefined, projectDir: context.projectDir },
    context.env
  )
  return createDockerTarget(context, createEngine(transport))
}

/** What runs on an engine as a target: services where a swarm runs the image, else containers. */
export function createDockerTarget(context: TargetContext<DockerConfig>, engine: Engine): Target<DockerState> {
  const { config, projectDir, env, clock, log, mask, history } = context
  const docker: DockerContext = {
    engine: hidingSecrets(engine, mask),
    config,
    projectDir,
    env,
    history,
    withConfig: context.withConfig ?? false,
    clock,
    log,
    mask,
    logged: new Set(),
    stopping: new Set(),
    answersBefore: new Map()
  }
  const { image_name, project, service, services, containers, swarm_service, probe = null } = config
  for (const name of [image_name, project, service, services, containers, swarm_service].flat())
    if (name) mask.spare(name)
  let decided: Promise<boolean> | undefined
  const isSwarm = (signal: AbortSignal): Promise<boolean> => {
    decided ??= findServices(docker, signal)
      .then((found) => found.length > 0)
      .catch((error: unknown) => {
        decided = undefined
        throw error
      })
    return decided
  }
  const look = async (signal: AbortSignal): Promise<Observed<DockerState>> =>
    (await isSwarm(signal)) ? observeServices(docker, history, signal) : observe(docker, history, signal)
  return {
    observe: (signal) =>
      withProbe(look(signal), { clock, signal, ask: probe && (() => probeOnce(probe, env, signal)) }),
    async plan(observation, state, release, signal) {
      if (state.kind === 'containers') return plan(docker, observation, state, release, history, signal)
      const draft = await planServices(docker, observation, state, release, history, signal)
      const more = [...(config.rehearse ? [noRehearsal] : []), ...(docker.withConfig ? [noEarlierConfiguration] : [])]
      return { ...draft, blockers: [...draft.blockers, ...more] }
    },
    apply: (step, run) => steps.apply(docker, step, run),
    revert: (step, run) => steps.revert(docker, step, run),
    reread: (all, known) => steps.reread(docker, all, known),
    // A check does not throw for an unreachable engine; the check of containers reports it.
    check: async (release, look) =>
      (await isSwarm(look.signal).catch(() => false))
        ? checkServices(docker, release, look)
        : check(docker, release, look),
    diagnose: async (signal) => ((await isSwarm(signal)) ? diagnoseServices(docker, signal) : diagnose(docker, signal)),
    lease: {
      acquire: async (record, ttlMs, signal) =>
        ((await isSwarm(signal)) ? createServiceLease(docker) : createLease(docker)).acquire(record, ttlMs, signal)
    },
    close: async () => engine.close()
  }
}

const noEarlierConfiguration: Blocker = {
  id: 'no_configuration',
  what: 'The configuration of a swarm service does not go back by itself',
  why: 'its own previous specification, image and configuration together, is what the swarm goes back to',
  next: 'Omit with_config.'
}

const noRehearsal: Blocker = {
  id: 'cannot_rehearse',
  what: 'A swarm service cannot be rehearsed',
  why: 'the swarm starts the tasks of a service itself, and gives each of them its networks and mounts',
  next: 'Pass rehearse: false, or set `rehearse` to false in the configuration of the target.'
}
