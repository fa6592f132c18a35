import { ConfigError } from '../../../support/errors.ts'
import type { DockerConfig } from '../config.ts'
import { asksForServices, configuredRepository } from '../containers/observe/workload.ts'
import type { DockerContext } from '../context.ts'
import { normalRepository } from '../objects/reference.ts'
import type { Service } from '../objects/swarm-schemas.ts'
import { referenceOf } from './inspect.ts'

/**
 * The swarm services that the target means: those the configuration names, else those of its image. None on an engine that
 * manages no swarm.
 * @throws ConfigError when a named service is not there.
 */
export async function findServices({ engine, config }: DockerContext, signal: AbortSignal): Promise<Service[]> {
  const named = namedServices(config)
  if (named.length > 0)
    return Promise.all(named.map(async (name) => existing(await engine.services.inspect(name, signal), name)))
  const repository = configuredRepository(config)
  const meansContainers = Boolean(config.containers?.length) || asksForServices(config)
  if (!repository || meansContainers || (await engine.info(signal)).Swarm?.ControlAvailable !== true) return []
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
