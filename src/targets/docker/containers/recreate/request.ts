import { imageLabel } from '../../compose/labels.ts'
import { type Goal, towards } from '../../configuration/goal.ts'
import type { Container, HostConfig, ImageDefaults } from '../../objects/schemas.ts'
import { type UserConfig, userConfigOf } from './configuration.ts'
import { hostConfigFor } from './host.ts'
import { type EndpointRequest, splitEndpoints } from './networks.ts'

/** All that a replacement is created from. */
export interface CreateRequest {
  config: UserConfig
  HostConfig: HostConfig
  /** The network joined at creation. */
  first: Record<string, EndpointRequest>
  /** Networks joined one by one after it. */
  others: Record<string, EndpointRequest>
}

/** The label with what a replacement replaced. */
export const replacedLabel = 'popkit.rollback.replaced'

/**
 * A replacement's request, from the old container's own configuration minus what its old image set.
 * The restart policy is passed separately because the old container loses its own while it is kept. `standby` omits the aliases: the
 * replacement gets them once it is healthy.
 */
export function createRequest(
  old: Container,
  oldImage: ImageDefaults | null | undefined,
  options: {
    standby: boolean
    /** What goes back besides the image. */
    goal: Goal | null
    replaced: string
    /** Labels with what answered before. */
    before: Record<string, string>
    /** The id of the image that it is created from. */
    image: string
    restartPolicy: NonNullable<HostConfig['RestartPolicy']>
  }
): CreateRequest {
  const config = towards(userConfigOf(old, oldImage), options.goal)
  const { first, others } = splitEndpoints(old)
  const labels = imageLabel in (config.Labels ?? {}) ? { ...config.Labels, [imageLabel]: options.image } : config.Labels
  return {
    config: {
      ...config,
      Labels: { ...labels, [replacedLabel]: options.replaced, ...options.before }
    },
    HostConfig: { ...hostConfigFor(old), RestartPolicy: options.restartPolicy },
    first: options.standby ? withoutAliases(first) : first,
    others: options.standby ? withoutAliases(others) : others
  }
}

/** The body of POST /containers/create. */
export const createBody = (request: CreateRequest, image: string): Record<string, unknown> => ({
  ...request.config,
  Image: image,
  HostConfig: request.HostConfig,
  ...(Object.keys(request.first).length > 0 ? { NetworkingConfig: { EndpointsConfig: request.first } } : {})
})

const withoutAliases = (endpoints: Record<string, EndpointRequest>): Record<string, EndpointRequest> =>
  Object.fromEntries(Object.entries(endpoints).map(([name, { Aliases: _aliases, ...rest }]) => [name, rest]))
