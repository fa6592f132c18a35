import { TargetError } from '../../../support/errors.ts'
import type { DockerContext } from '../context.ts'
import type { Container } from '../objects/schemas.ts'
import { NotExact } from './committed-files.ts'
import { containerDifferences } from './container-differences.ts'
import { type Goal, goalOfContainer } from './goal.ts'
import { type ConfigurationReference, sourceName } from './reference.ts'
import { renderedAt } from './render.ts'
import { goalOfService, notTold, serviceDifferences } from './service-goal.ts'
import { repositoryTop } from './sources.ts'

/** An earlier configuration, held against a container of now. */
export interface EarlierConfiguration {
  goal: Goal
  /** What differs and does not go back, one line each, no values of variables. */
  differences: string[]
  /** What the source does not tell. */
  kept: string[]
}

/**
 * Reads an earlier configuration where a reference says that it is, and registers its values as secrets.
 * @throws NotExact where it cannot be known exactly.
 */
export async function readConfiguration(
  docker: DockerContext,
  reference: ConfigurationReference,
  container: Container,
  signal: AbortSignal
): Promise<EarlierConfiguration> {
  if ('earlier' in reference) {
    const earlier = await docker.engine.containers.inspect(reference.earlier, signal)
    if (!earlier) throw new NotExact(`${sourceName(reference)} is gone`)
    const image = await docker.engine.images.inspect(earlier.Image, signal)
    if (!image) throw new NotExact(`the image of ${sourceName(reference)} is gone`)
    const differences = containerDifferences(earlier, container)
    return { goal: goalOfContainer(earlier, image.Config), differences, kept: [] }
  }
  const top = await repositoryTop(docker, signal)
  if (!top) throw new NotExact('the project is in no Git repository')
  const at = await renderedAt(docker, top, reference, signal)
  const goal = goalOfService(at)
  hide(docker, goal)
  return { goal, differences: serviceDifferences(at, container, top), kept: notTold(at) }
}

/** The same for a step that was planned with it. @throws TargetError. */
export const mustReadConfiguration = (
  docker: DockerContext,
  reference: ConfigurationReference,
  container: Container,
  signal: AbortSignal
): Promise<EarlierConfiguration> =>
  readConfiguration(docker, reference, container, signal).catch((error: unknown) => {
    if (!(error instanceof NotExact)) throw error
    throw new TargetError({
      what: `The configuration of ${sourceName(reference)} cannot be read`,
      why: error.message,
      state: 'Nothing was stopped.',
      next: 'Assess again, without the earlier configuration.',
      code: 'no_configuration'
    })
  })

function hide({ mask }: DockerContext, { variables, Entrypoint, Cmd, Healthcheck, Labels }: Goal): void {
  for (const [name, value] of variables) if (value !== null) mask.addVariable(name, value)
  mask.addArguments([Entrypoint, Cmd, Healthcheck])
  mask.addLabels(Labels ?? {})
}
