import type { Evidence } from '../../model/diagnosis.ts'
import type { Clock } from '../../support/clock.ts'
import type { Logger } from '../../support/log.ts'
import type { Mask } from '../../support/mask.ts'
import { ownedBy } from './compose/labels.ts'
import type { DockerConfig } from './config.ts'
import { replacedLabel } from './containers/recreate/request.ts'
import type { Replacement } from './containers/steps/replacement.ts'
import type { Engine } from './engine/engine.ts'
import { logEvidence } from './objects/logs.ts'
import { marked } from './objects/names.ts'
import type { Container } from './objects/schemas.ts'

/** What every part of the target works with. */
export interface DockerContext {
  engine: Engine
  config: DockerConfig
  /** The folder of the project, in which Compose files are looked for. */
  projectDir: string
  env: NodeJS.ProcessEnv
  clock: Clock
  log: Logger
  mask: Mask
  /** Containers whose logs are among the evidence already. */
  logged: Set<string>
}

/** Registers a container's environment, so that no value of it can leave, but for the names of what is rolled back. */
export function hideEnvironment(mask: Mask, container: Container): void {
  for (const name of namesOf(container)) mask.spare(name)
  for (const entry of container.Config.Env ?? []) {
    const equals = entry.indexOf('=')
    if (equals > 0) mask.addVariable(entry.slice(0, equals), entry.slice(equals + 1))
  }
}

function namesOf({ Name, Config, NetworkSettings, Mounts }: Container): string[] {
  const owned = ownedBy(Config.Labels)
  return [
    Name,
    marked(Name)?.base ?? Name,
    Config.Image,
    ...(owned ? [owned.project, owned.service] : []),
    ...Object.keys(NetworkSettings.Networks ?? {}),
    ...(Mounts ?? []).flatMap(({ Name: volume }) => volume ?? [])
  ]
}

/** The container that is replaced; null once it was removed. */
export async function findOld(
  docker: DockerContext,
  params: Replacement,
  signal: AbortSignal
): Promise<Container | null> {
  const container = await docker.engine.containers.inspect(params.container, signal)
  if (container) hideEnvironment(docker.mask, container)
  return container
}

/** The replacement, under its temporary name or already under the final one; null before it was created. */
export async function findNew(
  docker: DockerContext,
  params: Replacement,
  signal: AbortSignal
): Promise<Container | null> {
  const temporary = await docker.engine.containers.inspect(params.temporary, signal)
  const found = temporary ?? (await docker.engine.containers.inspect(params.name, signal))
  if (!found || found.Id === params.container || found.Config.Labels?.[replacedLabel] !== params.replaced) return null
  hideEnvironment(docker.mask, found)
  return found
}

/** A replacement that was started has passed the comparison with the old one, and may serve by now: it is left alone. */
export const hasStarted = ({ State: state }: Container): boolean => state.Status !== 'created'

/** Keeps a container's log for the report, once. */
export async function keepLogs(
  docker: DockerContext,
  container: Container,
  run: { signal: AbortSignal; evidence(item: Evidence): void }
): Promise<void> {
  if (docker.logged.has(container.Id)) return
  docker.logged.add(container.Id)
  run.evidence(await logEvidence(docker, container, run.signal))
}
