import { z } from 'zod'
import type { StepKind } from '../../../define-steps.ts'
import type { Run } from '../../../target.ts'
import { inParallel } from '../../client/parallel.ts'
import type { KubernetesContext } from '../../context.ts'
import { type Move, moveSchema, reversed } from '../../objects/move.ts'
import { shortText } from '../../objects/names.ts'
import { isOrdered } from '../../objects/workload.ts'
import { rolloutOf } from '../health.ts'
import { readWorkload } from '../read.ts'
import { deleteUnready } from './delete-pods.ts'
import { followRollout } from './follow-rollout.ts'
import { awaitController } from './pods-of.ts'
import { putTemplate } from './put-template.ts'

const params = z.object({ server: z.string(), moves: z.array(moveSchema).min(1) })
export type RollBackParams = z.infer<typeof params>

const settleMs = 20_000

/** Puts the candidate's template in place in every workload of the step at once, and waits until each rollout is complete. */
export const rollBack: StepKind<KubernetesContext, RollBackParams> = {
  params,
  async apply(cluster, { moves }, run) {
    const changed = await inParallel(moves, moves.length, async (move) => {
      const done = await putTemplate(cluster, move, 'to', run)
      if (move.follow) await followRollout(cluster, move, run, moves.length)
      return done
    })
    const count = changed.filter(Boolean).length
    return {
      detail: count === 0 ? 'already there' : moves.length === 1 ? 'rolled out' : `${count} workloads rolled out`
    }
  },
  /** What was there may not have been healthy, so the step does not wait long for it. */
  async revert(cluster, { moves }, run) {
    const restored = await inParallel(moves, moves.length, async (move) => {
      const done = await putTemplate(cluster, move, 'from', run)
      if (done) run.progress(`${shortText(move)}: the former template is back`)
      const deleted = await settled(cluster, move, done, run)
      return { done: done || deleted > 0, deleted }
    })
    const deleted = restored.reduce((sum, one) => sum + one.deleted, 0)
    return {
      detail: `${restored.some(({ done }) => done) ? 'the former template is back' : 'the former template was there'}${deleted > 0 ? `; pods deleted that kept it stuck: ${deleted}` : ''}`
    }
  }
}

/**
 * Waits a while until a workload is complete, if its template was restored just now. A StatefulSet keeps waiting for its candidate's
 * broken pods (kubernetes/kubernetes#67250), so they are deleted, never their claims. Returns how many.
 */
async function settled(cluster: KubernetesContext, move: Move, isNew: boolean, run: Run): Promise<number> {
  const { clock } = cluster
  const mayBeStuck = move.from.revision !== '' && isOrdered(await readWorkload(cluster, move, run.signal))
  if (mayBeStuck) await awaitController(cluster, move, run)
  const until = clock.now().getTime() + (isNew ? settleMs : 0)
  for (let deleted = 0; ; await clock.sleep(500, run.signal)) {
    if (mayBeStuck) deleted += await deleteUnready(cluster, reversed(move), run.signal)
    if (rolloutOf(await readWorkload(cluster, move, run.signal)).complete) return deleted
    if (clock.now().getTime() >= until) return deleted
  }
}
