import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Clock } from '../../support/clock.ts'
import type { Logger } from '../../support/log.ts'
import type { Mask } from '../../support/mask.ts'
import { ownedBy } from './compose/labels.ts'
import type { DockerConfig } from './config.ts'
import type { Engine } from './engine/engine.ts'
import { marked } from './objects/names.ts'
import type { Container } from './objects/schemas.ts'

/** What every part of the target works with. */
export interface DockerContext {
  engine: Engine
  config: DockerConfig
  /** The folder of the project, in which Compose files are looked for. */
  projectDir: string
  env: NodeJS.ProcessEnv
  /** This target's, newest first. */
  history: readonly DeploymentRecord[]
  /** The configuration of the release goes back, too. */
  withConfig: boolean
  clock: Clock
  log: Logger
  mask: Mask
  /** Containers whose logs are among the evidence already. */
  logged: Set<string>
  /** Containers that were sent a stop; the engine carries it out even where the call was given up. */
  stopping: Set<string>
  /** Labels that say what answered before a container is replaced, by its id, as far as it was asked. */
  answersBefore: Map<string, Promise<Record<string, string>>>
}

/** The same engine; whatever container it shows, no value of its environment can leave. */
export function hidingSecrets(engine: Engine, mask: Mask): Engine {
  const inspect: Engine['containers']['inspect'] = async (id, signal) => {
    const container = await engine.containers.inspect(id, signal)
    if (container) hideEnvironment(mask, container)
    return container
  }
  return { ...engine, containers: { ...engine.containers, inspect } }
}

/** Registers a container's environment, commands and labels, so that no secret of them can leave, but for the names of what is rolled back. */
function hideEnvironment(mask: Mask, container: Container): void {
  for (const name of namesOf(container)) mask.spare(name)
  for (const entry of container.Config.Env ?? []) {
    const equals = entry.indexOf('=')
    if (equals > 0) mask.addVariable(entry.slice(0, equals), entry.slice(equals + 1))
  }
  const { Entrypoint, Cmd, Healthcheck, Labels } = container.Config
  mask.addArguments([Entrypoint, Cmd, Healthcheck])
  mask.addLabels(Labels ?? {})
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
