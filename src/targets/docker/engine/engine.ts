import type { Readable } from 'node:stream'
import { messageOf, TargetError } from '../../../support/errors.ts'
import { oneLine, quoted } from '../../../support/text.ts'
import type {
  Container,
  ContainerSummary,
  Distribution,
  HostConfig,
  Image,
  ImageSummary,
  Info,
  PathChange
} from '../objects/schemas.ts'
import type { Service, Spec, SwarmConfig, SwarmNode, Task } from '../objects/swarm-schemas.ts'
import type { PathInContainer } from './copied-file.ts'

/** Which events to read. */
export interface EventQuery {
  /** All that the engine does, where none is named. */
  container?: string
  /** "die", "oom"; all of them where none is named. */
  events?: string[]
  /** Seconds since 1970; with both, the events of that time, else those to come. */
  between?: { since: number; until: number }
}

/** The header by which the engine logs in to a registry on the caller's behalf; empty without a login. */
export type RegistryAuth = Record<string, string>

/**
 * One Docker engine. Every verb throws EngineError with the HTTP status where the engine refuses, TargetError `engine_unreachable` where
 * it does not answer, and the signal's reason when it is aborted. `inspect` gives null for what does not exist.
 */
export interface Engine {
  readonly address: string
  readonly publishedHost: string
  /** Whether a login may be sent to it: the user, and not the project alone, names it. */
  readonly trusted: boolean
  /** The API version that both sides know, such as "1.41". */
  apiVersion(signal: AbortSignal): Promise<string>
  /** On a new connection, where that is no login. */
  ping(signal: AbortSignal, limitMs?: number): Promise<void>
  info(signal: AbortSignal): Promise<Info>
  /** The same from the first time that it was asked, for what does not change. */
  facts(signal: AbortSignal): Promise<Info>
  /** The events as they come, one JSON object a line. */
  events(query: EventQuery, signal: AbortSignal): Promise<Readable>
  readonly containers: {
    /** All of them, stopped ones too. */
    list(signal: AbortSignal): Promise<ContainerSummary[]>
    inspect(idOrName: string, signal: AbortSignal): Promise<Container | null>
    /** Gives the id. */
    create(name: string, body: Record<string, unknown>, signal: AbortSignal): Promise<string>
    /** Does nothing to one that runs. */
    start(id: string, signal: AbortSignal): Promise<void>
    /** Does nothing to one that is stopped. Waits at most a minute longer than `graceSeconds`; `seconds` null keeps the container's own. */
    stop(id: string, grace: { seconds: number | null; graceSeconds: number }, signal: AbortSignal): Promise<void>
    rename(id: string, name: string, signal: AbortSignal): Promise<void>
    setRestartPolicy(id: string, policy: NonNullable<HostConfig['RestartPolicy']>, signal: AbortSignal): Promise<void>
    remove(id: string, options: { ownVolumes: boolean; force: boolean }, signal: AbortSignal): Promise<void>
    /** Returns once it does not run. */
    waitUntilStopped(id: string, limitMs: number, signal: AbortSignal): Promise<void>
    /** What is in its own layer: added and changed paths. */
    changes(id: string, signal: AbortSignal): Promise<PathChange[]>
    /** Makes an image of it, its own layer included, as `repository:latest`. */
    commit(id: string, repository: string, signal: AbortSignal): Promise<void>
    waitUntilRemoved(id: string, signal: AbortSignal): Promise<void>
    /** The last lines, framed unless the container has a terminal. */
    logs(id: string, tail: number, signal: AbortSignal): Promise<Buffer>
    /** A tar archive with one small file. */
    readArchive(id: string, path: string, signal: AbortSignal): Promise<Buffer>
    readPath(id: string, path: string, signal: AbortSignal): Promise<PathInContainer>
    writeArchive(id: string, folder: string, archive: Buffer, signal: AbortSignal): Promise<void>
  }
  readonly images: {
    list(signal: AbortSignal): Promise<ImageSummary[]>
    inspect(reference: string, signal: AbortSignal): Promise<Image | null>
    tag(id: string, repository: string, tag: string, signal: AbortSignal): Promise<void>
    /** The progress as it comes, one JSON object a line. */
    pull(reference: string, auth: RegistryAuth, signal: AbortSignal): Promise<Readable>
    /** What the registry has under a reference, without pulling it. */
    distribution(reference: string, auth: RegistryAuth, signal: AbortSignal): Promise<Distribution>
  }
  readonly networks: {
    connect(network: string, container: string, endpoint: object | null, signal: AbortSignal): Promise<void>
    disconnect(network: string, container: string, signal: AbortSignal): Promise<void>
  }
  /** The swarm's; `inspect` gives null on an engine that manages none, too. */
  readonly services: {
    list(signal: AbortSignal): Promise<Service[]>
    inspect(idOrName: string, signal: AbortSignal): Promise<Service | null>
    /** To a specification, or back to its previous one. @throws EngineError where `service` is out of date. */
    update(service: Service, to: Spec | 'previous', auth: RegistryAuth, signal: AbortSignal): Promise<void>
    logs(id: string, tail: number, signal: AbortSignal): Promise<Buffer>
  }
  readonly tasks: { list(filters: Record<string, string[]>, signal: AbortSignal): Promise<Task[]> }
  readonly nodes: { list(signal: AbortSignal): Promise<SwarmNode[]> }
  readonly configs: {
    /** Gives the id. */
    create(spec: SwarmConfig['Spec'], signal: AbortSignal): Promise<string>
    inspect(idOrName: string, signal: AbortSignal): Promise<SwarmConfig | null>
    update(config: SwarmConfig, spec: SwarmConfig['Spec'], signal: AbortSignal): Promise<void>
    remove(id: string, signal: AbortSignal): Promise<void>
  }
  close(): void
}

/** The engine answered with an error. */
export class EngineError extends TargetError {
  readonly status: number
  /** Its own words. */
  readonly said: string

  constructor(status: number, message: string, doing: string, address: string) {
    super({
      what: `The Docker engine refused to ${doing}`,
      why: message.trim() ? quoted(message, 500) : `HTTP ${status}`,
      next: `Check the engine at ${address}: docker info.`,
      code: status === 404 ? 'not_found' : status === 409 ? 'conflict' : 'engine_refused',
      retryable: status >= 500
    })
    this.status = status
    this.said = message.trim() || `HTTP ${status}`
  }
}

export const isStatus = (error: unknown, ...statuses: number[]): boolean =>
  error instanceof EngineError && statuses.includes(error.status)

/** The answer, or null where the engine knows no such thing. */
export const orNull = <T>(answer: Promise<T>, ...statuses: number[]): Promise<T | null> =>
  answer.catch((error: unknown) => {
    if (isStatus(error, 404, ...statuses)) return null
    throw error
  })

/** The engine cannot be reached, or went away in the middle of an answer. */
export function unreachable(error: unknown, address: string, timedOut = false): TargetError {
  if (error instanceof TargetError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const denied = code === 'EACCES' || code === 'EPERM'
  return new TargetError({
    what: 'The Docker engine cannot be reached',
    why: timedOut ? `${address} did not answer in time` : `${address}: ${oneLine(messageOf(error))}`,
    state: 'Unknown: the engine did not answer.',
    next: denied
      ? 'Run as a user who may use the engine (group docker), or set DOCKER_HOST.'
      : 'Start the engine, or point DOCKER_HOST or `host` in the configuration at the right one.',
    code: 'engine_unreachable',
    retryable: !denied,
    cause: error
  })
}

/** The engine answered something that no Docker engine answers. */
export const notUnderstood = (doing: string, why: string, address: string): TargetError =>
  new TargetError({
    what: `Could not ${doing}: the Docker engine's answer is not valid`,
    why: oneLine(why, 300),
    next: `Check what answers at ${address}: docker version.`,
    code: 'engine_answer'
  })
