import { findNew, findOld, keepLogs } from '../../context.ts'
import { remove } from './actions.ts'
import type { StepWork } from './index.ts'

/** Removes the proven old container, never its volumes; its log stays among the evidence. */
export const removeOld: StepWork = {
  async apply(docker, params, run) {
    const old = await findOld(docker, params, run.signal)
    if (!old) return { detail: 'it was gone already' }
    if (!(await findNew(docker, params, run.signal))) return { detail: `kept ${old.Name}: no replacement is there` }
    await keepLogs(docker, old, run)
    await remove(docker, old, { ownVolumes: false, force: true }, run.signal)
    return { detail: `removed ${old.Name}; its volumes stay` }
  },
  async revert() {
    return { detail: 'nothing to undo' }
  }
}
