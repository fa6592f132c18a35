import type { Step } from '../../../model/step.ts'
import { isoNow } from '../../../support/clock.ts'
import type { Run, StepResult } from '../../target.ts'
import { isStatus } from '../client/failure.ts'
import { marks, revisionsOf } from '../names.ts'
import { metaOnlySchema } from '../objects.ts'
import { inParallel } from '../parallel.ts'
import { type Move, paramsOf } from '../params.ts'
import type { Workshop } from '../workshop.ts'

const atOnce = 12

/** Marks the failed revisions as rolled back from, so that nobody's next rollback leads to them. */
export async function applyMark(workshop: Workshop, step: Step, run: Run): Promise<StepResult> {
  const { moves, to } = paramsOf('mark', step, workshop)
  const at = isoNow(workshop.clock)
  const done = await inParallel(moves, atOnce, (move) =>
    annotate(workshop, move, { revision: move.from.revision, at, to, rollback_id: run.rollbackId }, run.signal)
  )
  return { detail: `${done.filter(Boolean).length} of ${moves.length} marked` }
}

/** Takes the marks away. */
export async function revertMark(workshop: Workshop, step: Step, run: Run): Promise<StepResult> {
  const { moves } = paramsOf('mark', step, workshop)
  await inParallel(moves, atOnce, (move) => annotate(workshop, move, null, run.signal))
  return {}
}

async function annotate(
  { api }: Workshop,
  { kind, namespace, from }: Move,
  mark: Record<string, string> | null,
  signal: AbortSignal
): Promise<boolean> {
  try {
    await api.send(
      {
        doing: `Marking revision ${from.revision}`,
        method: 'PATCH',
        path: `/apis/apps/v1/namespaces/${namespace}/${revisionsOf(kind)}/${from.revision}`,
        contentType: 'application/merge-patch+json',
        body: { metadata: { annotations: { [marks.rolledBack]: mark && JSON.stringify(mark) } } },
        signal
      },
      metaOnlySchema
    )
    return true
  } catch (error) {
    if (isStatus(error, 404)) return false
    throw error
  }
}
