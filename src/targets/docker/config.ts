import { z } from 'zod'
import { containerNamePattern, parseReference } from './objects/reference.ts'

const name = z.string().regex(containerNamePattern, 'is no container name')

/** The grammar of a service's name (compose-spec). */
const serviceName = z.string().regex(/^[a-zA-Z0-9._-]+$/, 'is no service name')

/** A registry's host, with or without a scheme and a path below it. */
const isRegistry = (text: string): boolean => text.trim() === '' || parseReference(`${registryIn(text)}/name`) !== null

/** Without the scheme, and the slashes at the end. */
export const registryIn = (text: string): string =>
  text
    .trim()
    .replace(/^https?:\/\//, '')
    .split('/')
    .filter(Boolean)
    .join('/')

/** How a user reaches the service: an address that answers with a good status, or a port that accepts a connection. */
export const probeSchema = z.union([
  z.looseObject({ http: z.url({ protocol: /^https?$/ }), expect_status: z.number().int().optional() }),
  z.looseObject({ tcp: z.string().regex(/^(\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5}$/i, 'is not host:port') })
])

/** `targets.docker.config` of deploy.json. The first seven fields are popkit's own. */
export const configSchema = z.looseObject({
  image_name: z
    .string()
    .min(1)
    .refine((text) => parseReference(text.trim()) !== null, 'is no image name')
    .nullish(),
  registry: z.string().refine(isRegistry, 'is no registry').nullish(),
  build_context: z.string().nullish(),
  dockerfile: z.string().nullish(),
  platforms: z.array(z.string()).nullish(),
  tags: z.array(z.string()).nullish(),
  build_args: z.record(z.string(), z.unknown()).nullish(),
  host: z
    .string()
    .regex(/^[!-~]*$/, 'is no address')
    .nullish()
    .describe(
      'Address of the engine: unix:///path, tcp://host:port or ssh://user@host. Default: DOCKER_HOST, then the current Docker context'
    ),
  docker_context: z
    .string()
    .regex(/^[\w.+-]*$/, 'is no name of a Docker context')
    .nullish()
    .describe('Docker context to use instead of `host`'),
  swarm_service: z
    .union([name, z.array(name).min(1)])
    .nullish()
    .describe('Swarm service, or several of one image that roll back together'),
  containers: z.array(name).nullish().describe('Names of the containers, where the image name alone is not enough'),
  project: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*$/)
    .nullish()
    .describe('Compose project, where the image name alone is not enough'),
  services: z.array(serviceName).nullish().describe('Compose services of one image that roll back together'),
  service: serviceName.nullish().describe('Compose service'),
  compose_file: z
    .string()
    .regex(/^\P{Cc}+$/u, 'is no path')
    .nullish()
    .describe('Compose file, where it is not one that Compose finds'),
  max_parallel: z
    .number()
    .int()
    .positive()
    .max(100)
    .nullish()
    .describe('How many containers are replaced at once. Default: one of those that serve; all that do not'),
  rehearse: z
    .boolean()
    .nullish()
    .describe('Whether the candidate must become healthy in isolation before anything is stopped'),
  probe: probeSchema.nullish(),
  health_timeout_seconds: z
    .number()
    .positive()
    .max(3600)
    .nullish()
    .describe('How long a new container may take to become healthy'),
  settle_seconds: z
    .number()
    .positive()
    .max(600)
    .nullish()
    .describe('How long a container without health check and probe must stay up to count as started'),
  stop_timeout: z
    .number()
    .int()
    .min(0)
    .max(3600)
    .nullish()
    .describe("Seconds between the stop signal and the kill. Default: the container's own")
})

export type DockerConfig = z.infer<typeof configSchema>
export type Probe = z.infer<typeof probeSchema>
