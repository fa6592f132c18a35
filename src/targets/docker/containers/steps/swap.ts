import type { DockerContext } from '../../context.ts'
import { isStatus } from '../../engine/engine.ts'
import { keepLogs } from '../../objects/logs.ts'
import type { Container } from '../../objects/schemas.ts'
import { gone, rename, setRestartPolicy, stop } from './actions.ts'
import { fallbackOf, ids, names, type Replacement, temporaryOf } from './member.ts'
import { awaitStop } from './pending-stop.ts'
import { findNew, findOld, forEachReplacement } from './replacement.ts'

export const never = { Name: 'no', MaximumRetryCount: 0 }

/**
 * Stops the old container and starts the replacement. Everything else comes before the stop: between stop and start there is
 * nothing.
 */
export const swap = forEachReplacement({
  kind: 'swap_container',
  phase: 'switch',
  beside: false,
  describe: (members, version) => ({
    id: `swap:${ids(members)}`,
    title: `Stopping ${names(members)}, starting ${version}`,
    undo: `stop the new ${names(members)} and start the old again`,
    manualCommands: members.flatMap(swapByHand),
    manualUndoCommands: members.flatMap(backByHand)
  }),
  async apply(docker, params, run) {
    const { signal } = run
    const old = await findOld(docker, params, signal)
    const found = await findNew(docker, params, signal)
    if (!found) throw gone('The replacement cannot be started', temporaryOf(params))
    // An undo that was cut off has stopped it, or still does, without its restart policy.
    const replacement = await awaitStop(docker, found, signal)
    await setRestartPolicy(docker, replacement, params.restart_policy, signal)
    let named = false
    if (old) {
      await setRestartPolicy(docker, old, never, signal)
      named = await renamesNow(docker, old, fallbackOf(params), signal)
    }
    if (named) await rename(docker, replacement, params.name, signal)
    const begin = docker.clock.now().getTime()
    if (old && isUp(old.State)) await stop(docker, old, signal)
    if (old && !named) await rename(docker, old, fallbackOf(params), signal)
    if (!named) await rename(docker, replacement, params.name, signal)
    if (!replacement.State.Running) await docker.engine.containers.start(replacement.Id, signal)
    return { detail: `${docker.clock.now().getTime() - begin} ms from stop to start` }
  },

  async revert(docker, params, run) {
    await mustHaveOld(docker, params, run.signal)
    const replacement = await findNew(docker, params, run.signal)
    if (replacement) {
      if (replacement.State.StartedAt && !replacement.State.StartedAt.startsWith('0001'))
        await keepLogs(docker, replacement, run)
      await setRestartPolicy(docker, replacement, never, run.signal)
      if (isUp(replacement.State)) await stop(docker, replacement, run.signal)
    }
    return bringBack(docker, params, replacement, run.signal)
  }
})

export const swapByHand = (member: Replacement): string[] => [
  `docker update --restart no ${member.container.slice(0, 12)}`,
  `docker rename ${member.container.slice(0, 12)} ${fallbackOf(member)}`,
  `docker rename ${temporaryOf(member)} ${member.name}`,
  `docker stop ${fallbackOf(member)}`,
  `docker start ${member.name}`
]

/** What comes first fails where the old container is gone, before anything is stopped. */
export function backByHand(member: Replacement): string[] {
  const { name, was_running, restart_policy: policy } = member
  const times = policy.MaximumRetryCount ? `:${policy.MaximumRetryCount}` : ''
  return [
    `docker update --restart ${policy.Name}${times} ${fallbackOf(member)}`,
    `docker stop ${name}`,
    `docker rename ${name} ${temporaryOf(member)}`,
    `docker rename ${fallbackOf(member)} ${name}`,
    ...(was_running ? [`docker start ${name}`] : [])
  ]
}

/** A container in a crash loop may lose its network in the middle of it; then the name changes once it has stopped. */
async function renamesNow(docker: DockerContext, old: Container, name: string, signal: AbortSignal): Promise<boolean> {
  if (!isSteady(old)) return false
  try {
    await rename(docker, old, name, signal)
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
  docker: DockerContext,
  params: Replacement,
  replacement: { Id: string; Name: string } | null,
  signal: AbortSignal
): Promise<{ detail: string }> {
  const old = await awaitStop(docker, await mustHaveOld(docker, params, signal), signal)
  if (params.was_running && !old.State.Running) await docker.engine.containers.start(old.Id, signal)
  const other = replacement && (await docker.engine.containers.inspect(replacement.Id, signal))
  if (other) await rename(docker, other, temporaryOf(params), signal)
  await rename(docker, old, params.name, signal)
  await setRestartPolicy(docker, old, params.restart_policy, signal)
  return {
    detail: params.was_running ? `${params.name} runs again as before` : `${params.name} is stopped, as before`
  }
}

/** The replacement is stopped only while the old container exists. */
async function mustHaveOld(docker: DockerContext, params: Replacement, signal: AbortSignal): Promise<Container> {
  const old = await findOld(docker, params, signal)
  if (old) return old
  throw gone(
    `The old ${params.name} cannot be started again`,
    fallbackOf(params),
    'The old container was removed: by the cleanup, or from outside. The replacement was not changed.'
  )
}
