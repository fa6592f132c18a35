import { TargetError } from '../../../../support/errors.ts'
import type { DockerContext } from '../../context.ts'
import { EngineError, isStatus } from '../../engine/engine.ts'
import type { Container } from '../../objects/schemas.ts'
import type { Replacement } from './member.ts'

const defaultGraceSeconds = 10

const endlessSeconds = 3600

/** A negative one is a wait without end. */
export function graceSecondsOf({ config }: DockerContext, { Config: { StopTimeout } }: Container): number {
  const seconds = config.stop_timeout ?? StopTimeout ?? defaultGraceSeconds
  return seconds < 0 ? endlessSeconds : seconds
}

/** Sends the stop signal and waits for the end; the grace is the configured one, else the container's own. */
export async function stop(docker: DockerContext, container: Container, signal: AbortSignal): Promise<void> {
  const seconds = docker.config.stop_timeout ?? null
  const graceSeconds = graceSecondsOf(docker, container)
  docker.stopping.add(container.Id)
  await docker.engine.containers.stop(container.Id, { seconds, graceSeconds }, signal)
  docker.stopping.delete(container.Id)
}

export async function rename(
  docker: DockerContext,
  container: Container,
  name: string,
  signal: AbortSignal
): Promise<void> {
  if (container.Name === name) return
  await docker.engine.containers.rename(container.Id, name, signal)
}

export async function setRestartPolicy(
  docker: DockerContext,
  container: Container,
  policy: Replacement['restart_policy'],
  signal: AbortSignal
): Promise<void> {
  const now = container.HostConfig.RestartPolicy
  const same =
    (now?.Name || 'no') === (policy.Name || 'no') && (now?.MaximumRetryCount ?? 0) === policy.MaximumRetryCount
  if (same) return
  for (let attempt = 1; ; attempt++) {
    try {
      return await docker.engine.containers.setRestartPolicy(
        container.Id,
        { ...policy, Name: policy.Name || 'no' },
        signal
      )
    } catch (error) {
      if (attempt === 20 || !(error instanceof EngineError && hasJustEnded.test(error.said))) throw error
      await docker.clock.sleep(250, signal)
    }
  }
}

/** In a crash loop the engine takes a container for running that its runtime knows to have ended. */
const hasJustEnded = /stopped container|not running|already finished|no such process/i

/** Removes a container; volumes that only it has go along when `ownVolumes`. Safe to repeat. */
export async function remove(
  docker: DockerContext,
  container: Container,
  options: { ownVolumes: boolean; force: boolean },
  signal: AbortSignal
): Promise<void> {
  try {
    await docker.engine.containers.remove(container.Id, options, signal)
  } catch (error) {
    if (!isStatus(error, 404, 409) || !(await isGone(docker, container.Id, signal, error))) throw error
  }
}

/** After "removal is already in progress" the engine removes it by itself. */
async function isGone(docker: DockerContext, id: string, signal: AbortSignal, error: unknown): Promise<boolean> {
  if (isStatus(error, 404)) return true
  if (!/already in progress/.test(String(error))) return false
  await docker.engine.containers.waitUntilRemoved(id, signal).catch(() => undefined)
  return true
}

export const gone = (
  what: string,
  name: string,
  state = 'The containers were changed from outside in the meantime.'
): TargetError =>
  new TargetError({
    what,
    why: `the container ${name} no longer exists`,
    state,
    next: 'Assess again.',
    code: 'changed_meanwhile'
  })
