import type { Step } from '../../../../model/step.ts'
import { isoNow } from '../../../../support/clock.ts'
import type { Run, StepResult } from '../../../target.ts'
import { isStatus } from '../../client/failure.ts'
import { inParallel } from '../../client/parallel.ts'
import type { KubernetesContext } from '../../context.ts'
import { marks, revisionsOf } from '../../objects/names.ts'
import { type MetaOnly, metaOnlySchema } from '../../objects/objects.ts'
import { markOf } from '../../objects/revision.ts'
import { type Move, paramsOf } from '../../step-params.ts'

/** Where the object of a revision is: a ReplicaSet, or a ControllerRevision. */
export const revisionPath = ({ kind, namespace }: Pick<Move, 'kind' | 'namespace'>, name: string): string =>
  `/apis/apps/v1/namespaces/${namespace}/${revisionsOf(kind)}/${name}`

/** Sets annotations of the revision that a move leads away from, or takes them away (null); null when it is gone. */
export async function annotateRevision(
  { api }: KubernetesContext,
  move: Move,
  annotations: Record<string, string | null>,
  signal: AbortSignal
): Promise<MetaOnly | null> {
  try {
    return await api.send(
      {
        doing: `Marking revision ${move.from.revision}`,
        method: 'PATCH',
        path: revisionPath(move, move.from.revision),
        contentType: 'application/merge-patch+json',
        body: { metadata: { annotations } },
        signal
      },
      metaOnlySchema
    )
  } catch (error) {
    if (isStatus(error, 404)) return null
    throw error
  }
}

const atOnce = 12

/** Marks the failed revisions as rolled back from, so that nobody's next rollback leads to them. */
export async function applyMark(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const { moves, to } = paramsOf('mark', step, cluster)
  const at = isoNow(cluster.clock)
  const done = await inParallel(moves, atOnce, async (move) => {
    if (await isMarked(cluster, move, run)) return true
    const mark = { revision: move.from.revision, at, to, rollback_id: run.rollbackId }
    const annotations = { [marks.rolledBack]: JSON.stringify(mark), [marks.lastApplied]: null }
    return (await annotateRevision(cluster, move, annotations, run.signal)) !== null
  })
  return { detail: `${done.filter(Boolean).length} of ${moves.length} marked` }
}

/** Takes the marks away. */
export async function revertMark(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const { moves } = paramsOf('mark', step, cluster)
  await inParallel(moves, atOnce, (move) => annotateRevision(cluster, move, { [marks.rolledBack]: null }, run.signal))
  return {}
}

/** By this very rollback: then its time stays what it was. */
async function isMarked({ api }: KubernetesContext, move: Move, { rollbackId, signal }: Run): Promise<boolean> {
  const { revision } = move.from
  const found = await api.find(
    { doing: `Reading revision ${revision}`, path: revisionPath(move, revision), signal },
    metaOnlySchema
  )
  return found !== null && markOf(found.metadata)?.rollback_id === rollbackId
}
