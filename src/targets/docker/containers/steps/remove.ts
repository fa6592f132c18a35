import { findNew, findOld, keepLogs } from '../../context.ts'
import { remove } from './actions.ts'
import type { StepWork } from './index.ts'

/** Removes the proven old container, never its volumes; its log stays among the evidence. */
export const removeOld: StepWork = {
  async apply(workshop, params, run) {
    const old = await findOld(workshop, params, run.signal)
    if (!old) return { detail: 'it was gone already' }
    if (!(await findNew(workshop, params, run.signal))) return { detail: `kept ${old.Name}: no replacement is there` }
    await keepLogs(workshop, old, run)
    await remove(workshop, old, { ownVolumes: false, force: true }, run.signal)
    return { detail: `removed ${old.Name}; its volumes stay` }
  },
  async revert() {
    return { detail: 'nothing to undo' }
  }
}
