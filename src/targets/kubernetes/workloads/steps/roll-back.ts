import { z } from 'zod'
import type { Known, Run } from '../../../target.ts'
import { argoUndo } from '../../argo/steps.ts'
import { inParallel } from '../../client/parallel.ts'
import type { KubernetesContext } from '../../context.ts'
import { kubernetesStep } from '../../kubernetes-step.ts'
import { shortDigest } from '../../objects/images-run.ts'
import { type Move, moveSchema, reversed, type Side } from '../../objects/move.ts'
import { addressText, shortText } from '../../objects/names.ts'
import { isOnDelete, isOrdered } from '../../objects/workload.ts'
import { rolloutOf } from '../health.ts'
import type { ClusterState } from '../observe.ts'
import { readWorkload } from '../read.ts'
import { deleteUnready } from './delete-pods.ts'
import { followRollout } from './follow-rollout.ts'
import { movesMismatch, workloadAt } from './move-mismatch.ts'
import { pinsMismatch } from './pins-mismatch.ts'
import { awaitController } from './pods-of.ts'
import { putTemplate } from './put-template.ts'
import { deletePodsCommand, undoCommand } from './undo-command.ts'
import { requireWayBack } from './way-back.ts'

/** `follow`: the step waits until the rollout is complete. `ordered`: a pod that is not ready keeps the next ones from being replaced. */
const followed = moveSchema.extend({ follow: z.boolean(), ordered: z.boolean() })
type Followed = z.infer<typeof followed>

const settleMs = 20_000

/** Puts the candidate's template in place in every workload of the step at once, and waits until each rollout is complete. */
export const rollBack = kubernetesStep({
  kind: 'roll_back',
  phase: 'switch',
  params: z.object({ server: z.string(), moves: z.array(followed).min(1) }),
  describe(cluster, { moves }, { to }) {
    const [first] = moves
    const pins = moves.flatMap((move) =>
      Object.entries(move.to.pins ?? {}).map(([name, image]) => `${name} fixed at ${shortDigest(image)}`)
    )
    const what = first && moves.length === 1 ? shortText(first) : `${moves.length} workloads`
    const stuck = moves.some(({ ordered }) => ordered)
      ? `, and delete pods of ${to.version} that keep it stuck (claims and data stay)`
      : ''
    return {
      id: `workload:${moves.map(addressText).join(',')}`,
      title: `Rolling ${what} back to ${to.version}${pins.length > 0 ? `, with ${pins.join(', ')}` : ''}`,
      undo: `Put the present template of ${what} back${stuck}`,
      manualCommands: moves.flatMap((move) => manualCommands(cluster, move, 'to')),
      manualUndoCommands: moves.flatMap((move) => manualCommands(cluster, move, 'from'))
    }
  },
  mismatch: (cluster, { moves }, known) =>
    movesMismatch(moves, known) ??
    moves.flatMap((move) => followMismatch(move, known) ?? pinsMismatch(cluster, move, known) ?? [])[0] ??
    null,
  async apply(cluster, { moves }, run) {
    const changed = await inParallel(moves, moves.length, async (move) => {
      const put = await putTemplate(cluster, move, 'to', run)
      if (move.follow) await followRollout(cluster, move, run, { among: moves.length, seen: put.object })
      return put.changed
    })
    const count = changed.filter(Boolean).length
    return {
      detail: count === 0 ? 'already there' : moves.length === 1 ? 'rolled out' : `${count} workloads rolled out`
    }
  },
  /** What was there may not have been healthy, so the step does not wait long for it. */
  async revert(cluster, { moves }, run) {
    const restored = await inParallel(moves, moves.length, async (move) => {
      await requireWayBack(cluster, move, run)
      const { changed: done } = await putTemplate(cluster, move, 'from', run)
      if (done) run.progress(`${shortText(move)}: the former template is back`)
      const deleted = await settled(cluster, move, done, run)
      return { done: done || deleted > 0, deleted }
    })
    const deleted = restored.reduce((sum, one) => sum + one.deleted, 0)
    return {
      detail: `${restored.some(({ done }) => done) ? 'the former template is back' : 'the former template was there'}${deleted > 0 ? `; pods deleted that kept it stuck: ${deleted}` : ''}`
    }
  }
})

/** Undoing may need that the candidate's pods are deleted, which may block a StatefulSet. A template without a revision cannot be put back. */
function manualCommands(cluster: KubernetesContext, move: Followed, goal: Side): string[] {
  const { revision } = move[goal]
  if (!revision) return []
  if (move.kind === 'rollout') return argoUndo(cluster, move, revision)
  const to = `${cluster.kubectl} -n ${move.namespace}`
  const name = shortText(move)
  const pins = move.to.pins && Object.entries(move.to.pins).map(([container, image]) => `${container}=${image}`)
  return [
    ...(move.paused ? [`${to} rollout resume ${name}`] : []),
    undoCommand(cluster.kubectl, move, revision),
    ...(pins && goal === 'to' ? [`${to} set image ${name} ${pins.join(' ')}`] : []),
    ...(goal === 'from' && move.ordered ? [deletePodsCommand(cluster, move, move.to.revision, 'unready')] : []),
    ...(move.follow ? [`${to} rollout status ${name}`] : [])
  ]
}

/** Only pods that must be deleted first, or a promotion, are waited for by a later step. */
function followMismatch(move: Followed, known: Known<ClusterState>): string | null {
  const object = workloadAt(move, known)?.object
  if (!object || isOrdered(object) !== move.ordered) return `${addressText(move)} replaces its pods in another order`
  const waits = isOnDelete(object) ? !move.follow : move.follow || move.ordered || move.kind === 'rollout'
  return waits ? null : `${addressText(move)} is waited for at another step`
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
