import { z } from 'zod'
import { containerNamePattern } from './objects/reference.ts'

const name = z.string().regex(containerNamePattern, 'is no container name')

/** The grammar of a service's name (compose-spec). */
const serviceName = z.string().regex(/^[a-zA-Z0-9._-]+$/, 'is no service name')

/** How a user reaches the service: an address that answers with a good status, or a port that accepts a connection. */
export const probeSchema = z.union([
  z.looseObject({ http: z.url({ protocol: /^https?$/ }), expect_status: z.number().int().optional() }),
  z.looseObject({ tcp: z.string().regex(/^(\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5}$/i, 'is not host:port') })
])

/** `targets.docker.config` of deploy.json. The first seven fields are popkit's own. */
export const configSchema = z.looseObject({
  image_name: z.string().min(1).nullish(),
  registry: z.string().nullish(),
  build_context: z.string().nullish(),
  dockerfile: z.string().nullish(),
  platforms: z.array(z.string()).nullish(),
  tags: z.array(z.string()).nullish(),
  build_args: z.record(z.string(), z.unknown()).nullish(),
  /** The engine: unix:///path, tcp://host:port, ssh://user@host; else DOCKER_HOST and the current context. */
  host: z.string().nullish(),
  /** A Docker context to use instead. */
  docker_context: z.string().nullish(),
  /** The swarm service meant, or several of one image that go back together. */
  swarm_service: z.union([name, z.array(name).min(1)]).nullish(),
  /** Names of the containers meant, where the image's name alone is not enough. */
  containers: z.array(name).nullish(),
  /** The Compose project, its services (of one image), and its file, where the image's name alone is not enough. */
  project: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*$/)
    .nullish(),
  services: z.array(serviceName).nullish(),
  service: serviceName.nullish(),
  compose_file: z.string().min(1).nullish(),
  /** How many containers are replaced at once; by default one of those that serve, and all that serve nothing. */
  max_parallel: z.number().int().positive().max(100).nullish(),
  /** Whether the candidate must become healthy in a rehearsal before anything is stopped. */
  rehearse: z.boolean().nullish(),
  probe: probeSchema.nullish(),
  /** How long a new container may take to become healthy. */
  health_timeout_seconds: z.number().positive().max(3600).nullish(),
  /** How long a container without health check and probe must stay up to count as started. */
  settle_seconds: z.number().positive().max(600).nullish(),
  /** Seconds between the stop signal and the kill; else the container's own. */
  stop_timeout: z.number().int().min(0).max(3600).nullish()
})

export type DockerConfig = z.infer<typeof configSchema>
export type Probe = z.infer<typeof probeSchema>
