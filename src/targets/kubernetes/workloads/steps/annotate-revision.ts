import { isStatus } from '../../client/failure.ts'
import type { KubernetesContext } from '../../context.ts'
import { revisionsOf } from '../../objects/names.ts'
import { type MetaOnly, metaOnlySchema } from '../../objects/objects.ts'
import type { Move } from '../../step-params.ts'

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
