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

const eventSchema = z.looseObject({
  Action: z.string(),
  timeNano: z.number(),
  Actor: z.looseObject({ ID: z.string(), Attributes: z.record(z.string(), z.string()).nullish() })
})

/**
 * Waits for the end of a stop that was sent and not awaited: the process that sent it was cancelled or killed, and the engine still
 * stops the container. Gives the container as it is then.
 */
export async function awaitStop(docker: DockerContext, container: Container, signal: AbortSignal): Promise<Container> {
  if (!container.State.Running || !(await mayBeStopping(docker, container, signal))) return container
  const limitMs = (graceSecondsOf(docker, container) + killSeconds) * 1000
  await docker.engine.containers.waitUntilStopped(container.Id, limitMs, signal).catch(() => signal.throwIfAborted())
  docker.stopping.delete(container.Id)
  return (await docker.engine.containers.inspect(container.Id, signal)) ?? container
}

/**
 * This process sent a stop, or the engine remembers a signal since the container was started, or nothing so far back: of all containers
 * together it keeps the last 256 events (moby, daemon/events), which health checks fill within seconds. To wait for nothing is harmless.
 */
async function mayBeStopping(docker: DockerContext, container: Container, signal: AbortSignal): Promise<boolean> {
  if (docker.stopping.has(container.Id)) return true
  const { engine } = docker
  // The engine's clock may be ahead of or behind this one.
  const now = Date.parse((await engine.info(signal)).SystemTime ?? '') || docker.clock.now().getTime()
  const started = Date.parse(container.State.StartedAt ?? '') || 0
  const since = Math.max(now - (graceSecondsOf(docker, container) + killSeconds) * 1000, started)
  let isForgotten = true
  const stream = await engine.events({ between: { since: 1, until: Math.ceil(now / 1000) } }, signal)
  for await (const line of linesOf(stream, engine.address)) {
    const event = eventSchema.safeParse(tryOutsideJson(line)).data
    if (!event) continue
    const at = event.timeNano / 1e6
    if (at <= since) isForgotten = false
    const { ID, Attributes } = event.Actor
    const sent = event.Action === 'kill' && ID === container.Id && at >= since ? Attributes?.signal : undefined
    if (sent && !harmless.has(sent)) return true
  }
  return isForgotten
}
