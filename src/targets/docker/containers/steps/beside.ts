import { duration } from '../../../../support/text.ts'
import { keepLogs } from '../../objects/logs.ts'
import { endpointsFor } from '../recreate/networks.ts'
import { gone, rename, setRestartPolicy, stop } from './actions.ts'
import { awaitHealth, withoutProbe } from './await-health.ts'
import { findNew, findOld, type ReplacementWork } from './replacement.ts'
import { bringBack, isUp } from './swap.ts'

const never = { Name: 'no', MaximumRetryCount: 0 }

/** Starts the replacement beside the old container, without aliases, and waits until it is healthy. */
export const startBeside: ReplacementWork = {
  async apply(docker, params, run) {
    const replacement = await findNew(docker, params, run.signal)
    if (!replacement) throw gone('The replacement cannot be started', params.temporary)
    if (!replacement.State.Running) await docker.engine.containers.start(replacement.Id, run.signal)
    const ms = await awaitHealth(withoutProbe(docker), replacement, run)
    return { detail: `healthy after ${duration(ms)}` }
  },

  async revert(docker, params, run) {
    const replacement = await findNew(docker, params, run.signal)
    if (!replacement || !isUp(replacement.State)) return { detail: 'not running' }
    await keepLogs(docker, replacement, run)
    await stop(docker, replacement, params.stop_timeout, run.signal)
    return { detail: `stopped ${replacement.Name}` }
  }
}

/** Gives the healthy replacement the aliases and the name, sees that it came through it, and only then stops the old one. */
export const takeOver: ReplacementWork = {
  async apply(docker, params, run) {
    const { signal } = run
    const old = await findOld(docker, params, signal)
    const replacement = await findNew(docker, params, signal)
    if (!replacement) throw gone('The traffic cannot be moved', params.temporary)
    if (old) {
      for (const [network, endpoint] of Object.entries(endpointsFor(old))) {
        const aliases = replacement.NetworkSettings.Networks?.[network]?.Aliases ?? []
        if ((endpoint.Aliases ?? []).every((alias) => aliases.includes(alias))) continue
        if (replacement.NetworkSettings.Networks?.[network])
          await docker.engine.networks.disconnect(network, replacement.Id, signal)
        await docker.engine.networks.connect(network, replacement.Id, endpoint, signal)
      }
      await awaitHealth(withoutProbe(docker), replacement, run)
      await setRestartPolicy(docker, old, never, signal)
      await rename(docker, old, params.fallback, signal)
    }
    await rename(docker, replacement, params.name, signal)
    if (old && isUp(old.State)) await stop(docker, old, params.stop_timeout, signal)
    return { detail: 'the new one took over, then the old one stopped' }
  },

  async revert(docker, params, run) {
    return bringBack(docker, params, await findNew(docker, params, run.signal), run.signal)
  }
}
