import { duration } from '../../../../support/text.ts'
import { keepLogs } from '../../objects/logs.ts'
import { successorEndpoints } from '../recreate/networks.ts'
import { gone, rename, setRestartPolicy, stop } from './actions.ts'
import { awaitHealth, withoutProbe } from './await-health.ts'
import { fallbackOf, ids, listed, names, temporaryOf } from './member.ts'
import { awaitStop } from './pending-stop.ts'
import { findNew, findOld, forEachReplacement } from './replacement.ts'
import { backByHand, bringBack, isUp, never, swapByHand } from './swap.ts'

/** Starts the replacement beside the old container, without aliases, and waits until it is healthy. */
export const startBeside = forEachReplacement({
  kind: 'start_beside',
  phase: 'switch',
  beside: true,
  describe: (members, version) => ({
    id: `beside:${ids(members)}`,
    title: `Starting ${version} beside ${names(members)} without traffic`,
    undo: `stop ${listed(members.map(temporaryOf))}`,
    manualCommands: members.map((member) => `docker start ${temporaryOf(member)}`),
    manualUndoCommands: members.map((member) => `docker stop ${temporaryOf(member)}`)
  }),
  async apply(docker, params, run) {
    const found = await findNew(docker, params, run.signal)
    if (!found) throw gone('The replacement cannot be started', temporaryOf(params))
    const replacement = await awaitStop(docker, found, run.signal)
    if (!replacement.State.Running) await docker.engine.containers.start(replacement.Id, run.signal)
    const ms = await awaitHealth(withoutProbe(docker), replacement, run)
    return { detail: `healthy after ${duration(ms)}` }
  },

  async revert(docker, params, run) {
    const replacement = await findNew(docker, params, run.signal)
    if (!replacement || !isUp(replacement.State)) return { detail: 'not running' }
    await keepLogs(docker, replacement, run)
    await stop(docker, replacement, run.signal)
    return { detail: `stopped ${replacement.Name}` }
  }
})

/** Gives the healthy replacement the aliases and the name, sees that it came through it, and only then stops the old one. */
export const takeOver = forEachReplacement({
  kind: 'take_over',
  phase: 'switch',
  beside: true,
  describe: (members, version) => ({
    id: `take_over:${ids(members)}`,
    title: `Moving the traffic of ${names(members)} to ${version} and stopping the old`,
    undo: `start the old ${names(members)} again`,
    manualCommands: members.flatMap(swapByHand),
    manualUndoCommands: members.flatMap(backByHand)
  }),
  async apply(docker, params, run) {
    const { signal } = run
    const old = await findOld(docker, params, signal)
    const replacement = await findNew(docker, params, signal)
    if (!replacement) throw gone('The traffic cannot be moved', temporaryOf(params))
    if (old) {
      for (const [network, endpoint] of Object.entries(successorEndpoints(old))) {
        const aliases = replacement.NetworkSettings.Networks?.[network]?.Aliases ?? []
        if ((endpoint.Aliases ?? []).every((alias) => aliases.includes(alias))) continue
        if (replacement.NetworkSettings.Networks?.[network])
          await docker.engine.networks.disconnect(network, replacement.Id, signal)
        await docker.engine.networks.connect(network, replacement.Id, endpoint, signal)
      }
      await awaitHealth(withoutProbe(docker), replacement, run)
      await setRestartPolicy(docker, old, never, signal)
      await rename(docker, old, fallbackOf(params), signal)
    }
    await rename(docker, replacement, params.name, signal)
    if (old && isUp(old.State)) await stop(docker, old, signal)
    return { detail: 'the new one took over, then the old one stopped' }
  },

  async revert(docker, params, run) {
    return bringBack(docker, params, await findNew(docker, params, run.signal), run.signal)
  }
})
