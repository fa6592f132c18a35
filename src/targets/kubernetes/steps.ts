import { z } from 'zod'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import { defineSteps } from '../define-steps.ts'
import type { Known, Reread } from '../target.ts'
import { abortUpdate, promote } from './argo/steps.ts'
import type { KubernetesContext } from './context.ts'
import { rollBackRelease } from './helm/rollback-step.ts'
import { failPending } from './helm/unlock-step.ts'
import { moveSchema, type Side } from './objects/move.ts'
import type { ClusterState } from './workloads/observe.ts'
import { releaseOfMoves } from './workloads/releases.ts'
import { mark } from './workloads/steps/annotate-revision.ts'
import { deletePods } from './workloads/steps/delete-pods.ts'
import { rehearse } from './workloads/steps/rehearse.ts'
import { replacePods } from './workloads/steps/replace-pods.ts'
import { rollBack } from './workloads/steps/roll-back.ts'

/** Every kind of step that a plan on Kubernetes may have. */
export const steps = defineSteps<KubernetesContext, ClusterState>(
  [rehearse, rollBack, deletePods, replacePods, mark, abortUpdate, promote, failPending, rollBackRelease],
  { of: 'cluster', isOurs: ({ api }, { server }) => server === api.server }
)

const moved = z.looseObject({ move: moveSchema.optional(), moves: z.array(moveSchema).optional() })

/** Holds the steps of an unfinished rollback against the cluster, with its releases as far as the cluster keeps them. */
export function reread(cluster: KubernetesContext, all: readonly Step[], known: Known<ClusterState>): Promise<Reread> {
  const moves = all.flatMap(({ params }) => {
    const { move, moves = [] } = moved.safeParse(params).data ?? {}
    return [...moves, ...(move ? [move] : [])]
  })
  const kept = (release: Release, side: Side) => releaseOfMoves(release, side, moves, known.state.workloads)
  return steps.reread(cluster, all, {
    ...known,
    from: known.from && kept(known.from, 'from'),
    to: kept(known.to, 'to')
  })
}
