import type { Health } from '../../model/survey.ts'
import type { Clock } from '../../support/clock.ts'
import { duration, oneLine } from '../../support/text.ts'
import type { Container } from './inspect.ts'
import { baseName } from './workload.ts'

const restartIsRecentMs = 60_000

/** How the containers are, together: the message names each that is not well. */
export function healthOf(containers: readonly Container[], clock: Clock): Health {
  if (containers.length === 0) return { state: 'down', message: 'no container is there' }
  const each = containers.map((container) => ({ container, ...healthOfOne(container, clock) }))
  const states = new Set(each.map(({ state }) => state))
  const lines = each.map(({ container, message }) => `${baseName(container.Name)} ${message}`)
  const unwell = each.flatMap(({ state }, index) => (state === 'healthy' ? [] : [lines[index] ?? '']))
  const message = oneLine((unwell.length > 0 ? unwell : lines).join('; '), 400)
  const state =
    states.size === 1 ? [...states][0] : states.has('down') || states.has('degraded') ? 'degraded' : 'progressing'
  const since = each.length === 1 ? each[0]?.since : undefined
  return { state: state ?? 'unknown', message, ...(since ? { since } : {}) }
}

/** Ended, paused or in a crash loop: nothing is lost while it is replaced. */
export const servesNothing = (container: Container, clock: Clock): boolean => {
  const { State: state } = container
  return !state.Running || Boolean(state.Restarting) || Boolean(state.Paused) || keepsRestarting(container, clock)
}

const keepsRestarting = ({ State: state, RestartCount: restarts = 0 }: Container, clock: Clock): boolean =>
  restarts > 0 && clock.now().getTime() - Date.parse(state.StartedAt ?? '') < restartIsRecentMs

function healthOfOne(container: Container, clock: Clock): Health {
  const { State: state, RestartCount: restarts = 0 } = container
  const times = `${restarts} ${restarts === 1 ? 'restart' : 'restarts'}`
  const code = `exit code ${state.ExitCode}${state.OOMKilled ? ', out of memory' : ''}`
  if (state.Restarting) return { state: 'down', message: `is in a crash loop (${times}, last ${code})` }
  if (state.Paused) return { state: 'down', message: 'is paused' }
  if (!state.Running) {
    const since = instant(state.FinishedAt)
    const why =
      state.Status === 'created'
        ? `was created and did not start${state.Error ? `: ${state.Error}` : ''}`
        : `is ${state.Status} (${code})`
    return { state: 'down', message: why, ...(since ? { since } : {}) }
  }
  const since = instant(state.StartedAt)
  const upMs = since ? clock.now().getTime() - Date.parse(since) : 0
  const up = { ...(since ? { since } : {}) }
  const status = state.Health?.Status
  if (keepsRestarting(container, clock))
    return {
      state: 'degraded',
      message: `restarts again and again (${times}, last ${duration(Math.max(upMs, 0))} ago)`,
      ...up
    }
  if (status === 'healthy') return { state: 'healthy', message: 'is healthy', ...up }
  if (status === 'unhealthy') return { state: 'degraded', message: 'runs and fails its health check', ...up }
  if (status === 'starting')
    return { state: 'progressing', message: 'runs, its health check has not passed yet', ...up }
  return { state: 'healthy', message: 'runs and has no health check', ...up }
}

/** The engine's times in ours; undefined for its zero. */
export function instant(time: string | undefined): string | undefined {
  const ms = Date.parse(time ?? '')
  return Number.isNaN(ms) || ms <= 0 ? undefined : new Date(ms).toISOString()
}
