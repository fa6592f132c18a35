import { ConfigError } from '../../../support/errors.ts'
import type { DockerConfig } from '../config.ts'
import { asksForServices, configuredRepository } from '../containers/observe/workload.ts'
import type { DockerContext } from '../context.ts'
import { normalRepository } from '../objects/reference.ts'
import type { Service, Spec } from '../objects/swarm-schemas.ts'
import { imageOf, referenceOf } from './inspect.ts'

/**
 * The swarm services that the target means: those the configuration names, else those of its image. None on an engine that
 * manages no swarm.
 * @throws ConfigError when a named service is not there.
 */
export async function findServices(docker: DockerContext, signal: AbortSignal): Promise<Service[]> {
  const services = await servicesMeant(docker, signal)
  for (const { Spec, PreviousSpec } of services)
    for (const spec of [Spec, PreviousSpec]) if (spec) hideSpec(docker, spec)
  return services
}

async function servicesMeant({ engine, config }: DockerContext, signal: AbortSignal): Promise<Service[]> {
  const named = namedServices(config)
  if (named.length > 0)
    return Promise.all(named.map(async (name) => existing(await engine.services.inspect(name, signal), name)))
  const repository = configuredRepository(config)
  const meansContainers = Boolean(config.containers?.length) || asksForServices(config)
  if (!repository || meansContainers || (await engine.facts(signal)).Swarm?.ControlAvailable !== true) return []
  const services = await engine.services.list(signal)
  return services
    .filter(({ Spec }) => repositoryOf(Spec) === repository)
    .sort((a, b) => a.Spec.Name.localeCompare(b.Spec.Name))
}

export const namedServices = ({ swarm_service: named }: DockerConfig): string[] =>
  named == null ? [] : Array.isArray(named) ? named : [named]

const repositoryOf = (spec: Service['Spec']): string | null => {
  const repository = referenceOf(spec)?.repository
  return repository ? normalRepository(repository) : null
}

const existing = (service: Service | null, name: string): Service => {
  if (service) return service
  throw new ConfigError({
    what: `There is no swarm service ${name}`,
    why: 'the engine has no service of that name, or does not manage a swarm',
    next: 'Correct `swarm_service` in the configuration of the target, or point `host` at a manager.',
    code: 'no_service'
  })
}

/** No secret of a service's environment, commands and labels can leave, but for the names of what is rolled back. */
function hideSpec({ mask }: DockerContext, spec: Spec): void {
  const stack = spec.Labels?.['com.docker.stack.namespace']
  for (const name of [spec.Name, imageOf(spec), ...(stack ? [stack] : [])]) mask.spare(name)
  const { Command, Args, Healthcheck, Labels, Env } = spec.TaskTemplate.ContainerSpec
  mask.addArguments([Command, Args, Healthcheck])
  mask.addLabels({ ...Labels, ...spec.Labels })
  for (const entry of Env ?? []) {
    const equals = entry.indexOf('=')
    if (equals > 0) mask.addVariable(entry.slice(0, equals), entry.slice(equals + 1))
  }
}
