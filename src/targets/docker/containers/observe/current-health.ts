import type { Health } from '../../../../model/observation.ts'
import type { Clock } from '../../../../support/clock.ts'
import { duration, oneLine, quoted } from '../../../../support/text.ts'
import { baseName } from '../../objects/names.ts'
import type { Container } from '../../objects/schemas.ts'

const restartIsRecentMs = 60_000

/** How the containers are, together: the message names each that is not well. */
export function healthOf(containers: readonly Container[], clock: Clock): Health {
  if (containers.length === 0) return { state: 'down', message: 'there is no container' }
  const each = containers.map((container) => ({ container, ...healthOfOne(container, clock) }))
  const states = new Set(each.map(({ state }) => state))
  const lines = each.map(({ container, message }) => `${baseName(container.Name)} ${message}`)
  const unwell = each.flatMap(({ state }, index) => (state === 'healthy' ? [] : [lines[index] ?? '']))
  const message = oneLine((unwell.length > 0 ? unwell : lines).join('; '), 400)
  const state =
    states.size === 1 ? [...states][0] : states.has('down') || states.has('degraded') ? 'degraded' : 'progressing'
  const since = each.length === 1 ? each[0]?.since : earliest(each.filter((one) => one.state !== 'healthy'))
  const instances = { serving: each.filter((one) => one.state === 'healthy').length, all: each.length }
  const unchecked = each.every((one) => one.unchecked)
  return { state: state ?? 'unknown', message, instances, ...(unchecked && { unchecked }), ...(since ? { since } : {}) }
}

/** Ended, paused or in a crash loop: nothing is lost while it is replaced. */
export const servesNothing = (container: Container, clock: Clock): boolean => {
  const { State: state } = container
  return !state.Running || Boolean(state.Restarting) || Boolean(state.Paused) || keepsRestarting(container, clock)
}

const keepsRestarting = ({ State: state, RestartCount: restarts = 0 }: Container, clock: Clock): boolean =>
  restarts > 0 && clock.now().getTime() - Date.parse(state.StartedAt ?? '') < restartIsRecentMs

/** When the first of them failed, where every time is known. */
const earliest = (unwell: readonly Health[]): string | undefined => {
  const known = unwell.flatMap(({ since }) => since ?? [])
  return known.length === unwell.length ? known.sort()[0] : undefined
}

function healthOfOne(container: Container, clock: Clock): Health {
  const { State: state, RestartCount: restarts = 0 } = container
  const times = `${restarts} ${restarts === 1 ? 'restart' : 'restarts'}`
  const code = `exit code ${state.ExitCode}${state.OOMKilled ? ', out of memory' : ''}`
  const looping = loopsSince(container, clock)
  const fromTheStart = looping ? { since: looping } : {}
  if (state.Restarting)
    return { state: 'down', message: `is in a crash loop (${times}, last ${code})`, ...fromTheStart }
  if (state.Paused) return { state: 'down', message: 'is paused' }
  if (!state.Running) {
    const since = looping ?? instant(state.FinishedAt)
    const why =
      state.Status === 'created'
        ? `was created and did not start${state.Error ? `: ${quoted(state.Error)}` : ''}`
        : `is ${state.Status} (${code})`
    return { state: 'down', message: why, ...(since ? { since } : {}) }
  }
  const since = instant(state.StartedAt)
  const upMs = since ? clock.now().getTime() - Date.parse(since) : 0
  const up = { ...(since ? { since } : {}) }
  const status = state.Health?.Status
  if (keepsRestarting(container, clock))
    return {
      // Between two crashes it is the same outage as during one; what ran well for a while may serve again.
      state: looping && status !== 'healthy' ? 'down' : 'degraded',
      message: `${looping ? 'is in a crash loop' : 'keeps restarting'} (${times}, last ${duration(Math.max(upMs, 0))} ago)`,
      ...fromTheStart
    }
  if (status === 'healthy') return { state: 'healthy', message: 'is healthy', ...up }
  if (status === 'unhealthy') {
    const failing = failsSince(container)
    return { state: 'degraded', message: 'runs and fails its health check', ...(failing && { since: failing }) }
  }
  if (status === 'starting')
    return { state: 'progressing', message: 'runs; its health check has not passed yet', ...up }
  return { state: 'healthy', message: 'runs and has no health check', unchecked: true, ...up }
}

const longestRunMs = 10_000

/**
 * When a container was created that has been in a crash loop ever since; undefined where it may have run well before. The engine waits
 * 100 ms before the first restart, twice as long before each further one, at most a minute, and starts over after a run of 10 s (moby,
 * restartmanager).
 */
export function loopsSince(
  { Created: created, RestartCount: restarts = 0, State: state }: Container,
  clock: Clock
): string | undefined {
  if (restarts === 0) return undefined
  const pauses = Array.from({ length: restarts + 1 }, (_, index) => Math.min(100 * 2 ** index, 60_000))
  const longest = pauses.reduce((sum, pause) => sum + pause + longestRunMs, longestRunMs)
  const until = state.Running || state.Restarting ? clock.now().getTime() : Date.parse(state.FinishedAt ?? '')
  return until - Date.parse(created) <= longest ? instant(created) : undefined
}

/**
 * When the first failed health check of the current streak started. The engine counts them all and keeps the last few; further back it is
 * estimated from the time between those.
 */
export function failsSince({ State: state }: Container): string | undefined {
  const log = state.Health?.Log ?? []
  const streak = state.Health?.FailingStreak ?? 0
  const failed = log
    .slice(log.findLastIndex(({ ExitCode }) => ExitCode === 0) + 1)
    .map(({ Start }) => Date.parse(Start ?? ''))
  const [first, last] = [failed[0] ?? Number.NaN, failed.at(-1) ?? Number.NaN]
  const between = failed.length > 1 ? (last - first) / (failed.length - 1) : 0
  const at = first - Math.max(0, streak - failed.length) * between
  if (Number.isNaN(at)) return undefined
  return instant(new Date(Math.max(at, Date.parse(state.StartedAt ?? '') || 0)).toISOString())
}

/** The engine's times in ours; undefined for its zero. */
export function instant(time: string | undefined): string | undefined {
  const ms = Date.parse(time ?? '')
  return Number.isNaN(ms) || ms <= 0 ? undefined : new Date(ms).toISOString()
}
