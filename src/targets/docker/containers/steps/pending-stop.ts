import { z } from 'zod'
import { tryOutsideJson } from '../../../../support/nesting.ts'
import type { DockerContext } from '../../context.ts'
import { linesOf } from '../../engine/lines.ts'
import type { Container } from '../../objects/schemas.ts'
import { graceSecondsOf } from './actions.ts'

/** The engine kills what outlives its grace, which takes a moment on a busy machine. */
const killSeconds = 10

/** HUP, USR1, USR2, WINCH: programs take them as messages, not as an end. */
const harmless = new Set(['1', '10', '12', '28'])

const killSchema = z.looseObject({
  timeNano: z.number().optional(),
  Actor: z.looseObject({ Attributes: z.record(z.string(), z.string()).nullish() }).optional()
})

/**
 * Waits for the end of a stop that was sent and not awaited: the process that sent it was cancelled or killed, and the engine still
 * stops the container. One that was sent no stop keeps running, and is not waited for. Gives the container as it is then.
 */
export async function awaitStop(docker: DockerContext, container: Container, signal: AbortSignal): Promise<Container> {
  if (!container.State.Running || !(await isStopping(docker, container, signal))) return container
  const limitMs = (graceSecondsOf(docker, container) + killSeconds) * 1000
  await docker.engine.containers.waitUntilStopped(container.Id, limitMs, signal).catch(() => signal.throwIfAborted())
  docker.stopping.delete(container.Id)
  return (await docker.engine.containers.inspect(container.Id, signal)) ?? container
}

/** This process sent a stop, or the engine remembers a signal since the container was started. */
async function isStopping(docker: DockerContext, container: Container, signal: AbortSignal): Promise<boolean> {
  if (docker.stopping.has(container.Id)) return true
  const { engine } = docker
  // The engine's clock may be ahead of or behind this one.
  const now = Date.parse((await engine.info(signal)).SystemTime ?? '') || docker.clock.now().getTime()
  const since = now - (graceSecondsOf(docker, container) + killSeconds) * 1000
  const started = Date.parse(container.State.StartedAt ?? '') || 0
  const between = { since: Math.floor(Math.max(since, started) / 1000), until: Math.ceil(now / 1000) }
  const stream = await engine.events({ container: container.Id, events: ['kill'], between }, signal)
  for await (const line of linesOf(stream, engine.address)) {
    const event = killSchema.safeParse(tryOutsideJson(line)).data
    const sent = event?.Actor?.Attributes?.signal
    // The engine selects by seconds; within one, a container may be stopped and started again.
    const ofThisRun = (event?.timeNano ?? Number.POSITIVE_INFINITY) / 1e6 >= started
    if (sent && !harmless.has(sent) && ofThisRun) return true
  }
  return false
}
