import { TargetError } from '../../../../support/errors.ts'
import { anySignal } from '../../../../support/limit.ts'
import { duration, quoted } from '../../../../support/text.ts'
import type { Probe } from '../../config.ts'
import type { DockerContext } from '../../context.ts'
import type { Container } from '../../objects/schemas.ts'
import { probeOnce } from './probe.ts'

const defaultTimeoutMs = 60_000
/** How soon a change without an event is noticed, such as a probe that passes. */
const lookEveryMs = 100
const defaultSettleMs = 5_000
const restartsThatProveALoop = 3

export interface Patience {
  timeoutMs: number
  /** How long a health check that has decided against the container may still come to pass. */
  unhealthyMs: number
  settleMs: number
  probe?: Probe | undefined
}

/**
 * How long to wait for a container: as configured, else at least as long as its own health check may take to decide. Once that has
 * decided against it, the time that it grants to a start is no reason to wait any more.
 */
export function patienceFor(container: Container, config: DockerContext['config']): Patience {
  const check = container.Config.Healthcheck
  const ms = (nanoseconds: number | undefined, otherwise: number): number => (nanoseconds || otherwise * 1e9) / 1e6
  const decides = check?.Test?.length ? (ms(check.Interval, 30) + ms(check.Timeout, 30)) * (check.Retries || 3) : 0
  const configured = config.health_timeout_seconds ? config.health_timeout_seconds * 1000 : undefined
  const unhealthyMs = configured ?? Math.max(defaultTimeoutMs, decides)
  return {
    timeoutMs: configured ?? Math.max(unhealthyMs, (check?.StartPeriod ?? 0) / 1e6 + decides),
    unhealthyMs,
    settleMs: config.settle_seconds ? config.settle_seconds * 1000 : defaultSettleMs,
    probe: config.probe ?? undefined
  }
}

/**
 * Waits until a started container is healthy: by its health check, and by the probe where one is configured; where it has
 * neither, until it was up without a restart for a while. Woken by the engine's events, so the end is noticed at once.
 * @returns milliseconds waited. @throws TargetError `not_healthy` when it died, restarts in a loop, or time is up.
 */
export async function awaitHealthy(
  docker: DockerContext,
  id: string,
  patience: Patience,
  run: { signal: AbortSignal; progress(message: string): void }
): Promise<number> {
  const { clock, engine } = docker
  const begin = clock.now().getTime()
  const waited = (): number => clock.now().getTime() - begin
  const bell = await listen(docker, id, run.signal)
  let settledFrom = { at: begin, start: '' }
  let said = ''
  try {
    for (;;) {
      const container = await engine.containers.inspect(id, run.signal)
      if (!container) throw notHealthy(id, 'it was removed', waited())
      const broken = whyHopeless(container)
      if (broken) throw notHealthy(container.Name, broken, waited())
      const start = `${container.State.StartedAt} ${container.RestartCount}`
      if (start !== settledFrom.start) settledFrom = { at: clock.now().getTime(), start }
      const upFor = container.State.Running ? clock.now().getTime() - settledFrom.at : 0
      const verdict = await judge(container, upFor, patience, docker.env, run.signal)
      if (verdict.ok) return waited()
      const limit = container.State.Health?.Status === 'unhealthy' ? patience.unhealthyMs : patience.timeoutMs
      if (waited() > limit) throw notHealthy(container.Name, verdict.detail, waited())
      if (verdict.detail !== said) run.progress(verdict.detail)
      said = verdict.detail
      await bell.wait(lookEveryMs)
    }
  } finally {
    bell.close()
  }
}

/** Whether a container has a health check of its own that is switched on. */
export const hasHealthcheck = (
  config: Container['Config'] | { Healthcheck?: Container['Config']['Healthcheck'] }
): boolean => {
  const test = config.Healthcheck?.Test ?? []
  return test.length > 0 && test[0] !== 'NONE'
}

async function judge(
  container: Container,
  upForMs: number,
  patience: Patience,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal
): Promise<{ ok: boolean; detail: string }> {
  if (!container.State.Running) return { ok: false, detail: `is ${container.State.Status}` }
  const status = container.State.Health?.Status
  const checked = status !== undefined && status !== 'none'
  if (checked && status !== 'healthy') return { ok: false, detail: `its health check says ${status}` }
  if (patience.probe) return probeOnce(patience.probe, env, signal)
  if (checked) return { ok: true, detail: 'healthy' }
  const left = patience.settleMs - upForMs
  return {
    ok: left <= 0,
    detail: `running, must stay up for ${duration(Math.ceil(Math.max(left, 0) / 1000) * 1000)} more`
  }
}

/** Why waiting is in vain; null when it is not. */
function whyHopeless(container: Container): string | null {
  const { State: state, RestartCount: restarts = 0 } = container
  if (restarts >= restartsThatProveALoop) return `it restarted ${restarts} times, last with exit code ${state.ExitCode}`
  if (state.Status === 'exited' || state.Status === 'dead')
    return `it ended with exit code ${state.ExitCode}${state.OOMKilled ? ' (out of memory)' : ''}${state.Error ? `: ${quoted(state.Error)}` : ''}`
  if (state.Status === 'created') return 'it was never started'
  return null
}

const notHealthy = (name: string, why: string, ms: number): TargetError =>
  new TargetError({
    what: `${name} did not become healthy`,
    why: `${why}, after ${duration(ms)}`,
    state: 'The old container is kept.',
    next: `Read the log: docker logs ${name}.`,
    code: 'not_healthy'
  })

/** Wakes at every event of the container; without events, by the clock. */
async function listen(docker: DockerContext, id: string, signal: AbortSignal) {
  const closing = new AbortController()
  let rung = false
  let wake = (): void => {}
  const ring = (): void => {
    rung = true
    wake()
  }
  const stream = await docker.engine.events({ container: id }, anySignal(signal, closing.signal)).catch(() => null)
  stream?.on('data', ring)
  stream?.on('error', () => {})
  return {
    /** Until an event comes, or has come since the last time. */
    async wait(ms: number): Promise<void> {
      const woken = new AbortController()
      wake = () => woken.abort()
      if (!rung) await docker.clock.sleep(ms, anySignal(signal, woken.signal)).catch(() => signal.throwIfAborted())
      rung = false
    },
    close(): void {
      closing.abort()
      stream?.destroy()
    }
  }
}
