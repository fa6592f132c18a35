import type { Step } from '../../../../model/step.ts'
import type { Run, StepResult } from '../../../target.ts'
import { inParallel } from '../../client/parallel.ts'
import type { KubernetesContext } from '../../context.ts'
import { shortText } from '../../objects/names.ts'
import { isOrdered } from '../../objects/ordered.ts'
import { type Move, paramsOf } from '../../step-params.ts'
import { rolloutOf } from '../health.ts'
import { readWorkload } from '../read.ts'
import { deleteUnready } from './delete-pods.ts'
import { followRollout } from './follow-rollout.ts'
import { awaitController } from './pods-of.ts'
import { putTemplate } from './put-template.ts'

/** Puts the candidate's template back into every workload of the step at once, and waits until each is complete. */
export async function applyRollBack(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const { moves } = paramsOf('roll_back', step, cluster)
  const done = await inParallel(moves, moves.length, async (move) => {
    const put = await putTemplate(cluster, move, 'back', run)
    if (move.follow) await followRollout(cluster, move, run, moves.length)
    return put
  })
  const put = done.filter(Boolean).length
  return { detail: put === 0 ? 'already there' : moves.length === 1 ? 'rolled out' : `${put} workloads rolled out` }
}

const settleMs = 20_000

/** Puts the former templates back; what was there may not have been healthy, so it is not waited for long. */
export async function revertRollBack(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const { moves } = paramsOf('roll_back', step, cluster)
  const put = await inParallel(moves, moves.length, async (move) => {
    const done = await putTemplate(cluster, move, 'forth', run)
    if (done) run.progress(`${shortText(move)}: the former template is back`)
    const freed = await settled(cluster, move, done, run)
    return done || freed > 0 ? [{ freed }] : []
  })
  const freed = put.flat().reduce((sum, one) => sum + one.freed, 0)
  return {
    detail: `${put.flat().length === 0 ? 'the former template was there' : 'the former template is back'}${freed > 0 ? `; pods deleted that kept it stuck: ${freed}` : ''}`
  }
}

/**
 * Waits a while until a workload is complete, if its template was put back just now. A StatefulSet waits for its candidate's
 * broken pods also after that (kubernetes/kubernetes#67250), so they are deleted, never their claims; gives how many.
 */
async function settled(cluster: KubernetesContext, move: Move, isNew: boolean, run: Run): Promise<number> {
  const { clock } = cluster
  const frees = move.from.revision !== '' && isOrdered(await readWorkload(cluster, move, run.signal))
  if (frees) await awaitController(cluster, move, run)
  const former = { ...move, from: move.to, to: move.from }
  const until = clock.now().getTime() + (isNew ? settleMs : 0)
  for (let freed = 0; ; await clock.sleep(500, run.signal)) {
    if (frees) freed += await deleteUnready(cluster, former, run.signal)
    if (rolloutOf(await readWorkload(cluster, move, run.signal)).complete) return freed
    if (clock.now().getTime() >= until) return freed
  }
}
