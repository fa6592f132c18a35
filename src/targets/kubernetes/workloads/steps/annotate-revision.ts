import { z } from 'zod'
import { isoNow } from '../../../../support/clock.ts'
import { orOn } from '../../client/failure.ts'
import { inParallel } from '../../client/parallel.ts'
import type { KubernetesContext } from '../../context.ts'
import { kubernetesStep, severalMoves } from '../../kubernetes-step.ts'
import { versionPattern } from '../../objects/image-name.ts'
import type { Move } from '../../objects/move.ts'
import { marks, revisionsOf } from '../../objects/names.ts'
import { isOwn, type MetaOnly, metaOnlySchema } from '../../objects/objects.ts'
import { markOf } from '../../objects/revision.ts'
import { isByNumber } from '../releases.ts'
import { movesMismatch } from './move-mismatch.ts'

/** The path of a revision's object: a ReplicaSet, or a ControllerRevision. */
export const revisionPath = ({ kind, namespace }: Pick<Move, 'kind' | 'namespace'>, name: string): string =>
  `/apis/apps/v1/namespaces/${namespace}/${revisionsOf(kind)}/${name}`

/** Sets annotations of the revision that a move leads away from, or removes them (null); null when the revision is gone. */
export const annotateRevision = (
  { api }: KubernetesContext,
  move: Move,
  annotations: Record<string, string | null>,
  signal: AbortSignal
): Promise<MetaOnly | null> =>
  api
    .send(
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
    .catch(orOn(null, 404))

const atOnce = 12

/** Marks the failed revisions as rolled back from, so that no later rollback recommends them. */
export const mark = kubernetesStep({
  kind: 'mark',
  phase: 'cleanup',
  params: severalMoves.extend({ to: z.string().regex(versionPattern) }),
  describe: ({ kubectl }, { moves, to }) => ({
    id: 'mark',
    title: 'Marking the failed revision as rolled back from',
    undo: 'Remove the mark',
    manualCommands: moves.map(({ namespace, kind, from }) => {
      const before = JSON.stringify({ revision: from.revision, to, rollback_id: 'by-hand' }).slice(0, -1)
      const text = `'${before},"at":"'$(date -u +%FT%TZ)'"}'`
      return `${kubectl} -n ${namespace} annotate ${revisionsOf(kind)} ${from.revision} --overwrite ${marks.rolledBack}=${text}`
    })
  }),
  mismatch: (_cluster, { moves, to }, known) =>
    to === known.to.version || (isByNumber(to) && isByNumber(known.to.version))
      ? movesMismatch(moves, known)
      : `it tells of a rollback to ${to}`,
  async apply(cluster, { moves, to }, { rollbackId, signal }) {
    const at = isoNow(cluster.clock)
    const done = await inParallel(moves, atOnce, async (move) => {
      const { revision } = move.from
      const request = { doing: `Reading revision ${revision}`, path: revisionPath(move, revision), signal }
      const found = await cluster.api.find(request, metaOnlySchema)
      if (found && !isOwn(found, move)) return false
      // A mark of this very rollback keeps its time.
      if (found && markOf(found.metadata)?.rollback_id === rollbackId) return true
      const text = JSON.stringify({ revision, at, to, rollback_id: rollbackId })
      const annotations = { [marks.rolledBack]: text, [marks.lastApplied]: null }
      return (await annotateRevision(cluster, move, annotations, signal)) !== null
    })
    return { detail: `${done.filter(Boolean).length} of ${moves.length} marked` }
  },
  async revert(cluster, { moves }, { signal }) {
    await inParallel(moves, atOnce, (move) => annotateRevision(cluster, move, { [marks.rolledBack]: null }, signal))
    return {}
  }
})
