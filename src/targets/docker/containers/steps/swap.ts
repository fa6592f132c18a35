import { findNew, findOld, keepLogs, type Workshop } from '../../context.ts'
import { isStatus } from '../../engine/client.ts'
import { type Container, inspectContainer } from '../../objects/inspect.ts'
import { gone, rename, setRestartPolicy, start, stop } from './actions.ts'
import type { StepWork } from './index.ts'
import type { Replacement } from './replacement.ts'

const never = { Name: 'no', MaximumRetryCount: 0 }

/**
 * Stops the old container and starts the replacement. Everything else comes before the stop: between stop and start there is
 * nothing.
 */
export const swap: StepWork = {
  async apply(workshop, params, run) {
    const { signal } = run
    const old = await findOld(workshop, params, signal)
    const replacement = await findNew(workshop, params, signal)
    if (!replacement) throw gone('The replacement cannot be started', params.temporary)
    let named = false
    if (old) {
      await setRestartPolicy(workshop, old, never, signal)
      named = await renamesNow(workshop, old, params.fallback, signal)
    }
    if (named) await rename(workshop, replacement, params.name, signal)
    const begin = workshop.clock.now().getTime()
    if (old && isUp(old.State)) await stop(workshop, old, params.stop_timeout, signal)
    if (old && !named) await rename(workshop, old, params.fallback, signal)
    if (!named) await rename(workshop, replacement, params.name, signal)
    if (!replacement.State.Running) await start(workshop, replacement, signal)
    return { detail: `${workshop.clock.now().getTime() - begin} ms from stop to start` }
  },

  async revert(workshop, params, run) {
    await mustHaveOld(workshop, params, run.signal)
    const replacement = await findNew(workshop, params, run.signal)
    if (replacement) {
      if (replacement.State.StartedAt && !replacement.State.StartedAt.startsWith('0001'))
        await keepLogs(workshop, replacement, run)
      await setRestartPolicy(workshop, replacement, never, run.signal)
      if (isUp(replacement.State)) await stop(workshop, replacement, params.stop_timeout, run.signal)
    }
    return bringBack(workshop, params, replacement, run.signal)
  }
}

/** A container in a crash loop may lose its network in the middle of it; then the name changes once it has stopped. */
async function renamesNow(workshop: Workshop, old: Container, name: string, signal: AbortSignal): Promise<boolean> {
  if (!isSteady(old)) return false
  try {
    await rename(workshop, old, name, signal)
    return true
  } catch (error) {
    if (isStatus(error, 500)) return false
    throw error
  }
}

/** Runs, and was never restarted by its policy. */
export const isSteady = ({ State: state, RestartCount: restarts = 0 }: Container): boolean =>
  state.Running && !state.Restarting && !state.Paused && restarts === 0

export const isUp = (state: {
  Running: boolean
  Restarting?: boolean | undefined
  Paused?: boolean | undefined
}): boolean => state.Running || Boolean(state.Restarting) || Boolean(state.Paused)

/** The old container as it was: name, running or not, restart policy. Start comes first, names after. */
export async function bringBack(
  workshop: Workshop,
  params: Replacement,
  replacement: { Id: string; Name: string } | null,
  signal: AbortSignal
): Promise<{ detail: string }> {
  const old = await mustHaveOld(workshop, params, signal)
  if (params.was_running && !old.State.Running) await start(workshop, old, signal)
  const other = replacement && (await inspectContainer(workshop.engine, replacement.Id, signal))
  if (other) await rename(workshop, other, params.temporary, signal)
  await rename(workshop, old, params.name, signal)
  await setRestartPolicy(workshop, old, params.restart_policy, signal)
  return {
    detail: params.was_running ? `${params.name} runs again as before` : `${params.name} is back as it was, stopped`
  }
}

/** What serves is touched only while there is something to bring back. */
async function mustHaveOld(workshop: Workshop, params: Replacement, signal: AbortSignal): Promise<Container> {
  const old = await findOld(workshop, params, signal)
  if (old) return old
  throw gone(
    `${params.name} cannot be brought back`,
    params.fallback,
    'It was removed, after its replacement had taken over or by somebody else. The replacement was left as it is.'
  )
}
