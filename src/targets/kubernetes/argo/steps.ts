import { z } from 'zod'
import { TargetError } from '../../../support/errors.ts'
import { duration } from '../../../support/text.ts'
import type { Known, Run } from '../../target.ts'
import { isStatus } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import { kubernetesStep, oneMove } from '../kubernetes-step.ts'
import type { Move } from '../objects/move.ts'
import { addressText, pathOf, shortText } from '../objects/names.ts'
import type { WorkloadObject } from '../objects/objects.ts'
import { templateHash } from '../objects/template.ts'
import type { ClusterState } from '../workloads/observe.ts'
import { readWorkload } from '../workloads/read.ts'
import { followRollout } from '../workloads/steps/follow-rollout.ts'
import { moveMismatch } from '../workloads/steps/move-mismatch.ts'
import { changedMeanwhile, templateChanged } from '../workloads/steps/put-template.ts'
import { numberCommand } from '../workloads/steps/undo-command.ts'
import { isMadeOf, isUpdating } from './state.ts'

const controllerLimitMs = 60_000

/** Aborts a running update, as `kubectl argo rollouts abort` does; undoing retries it, as `kubectl argo rollouts retry` does. */
export const abortUpdate = kubernetesStep({
  kind: 'argo_abort',
  phase: 'switch',
  params: oneMove,
  describe: (cluster, { move }) => ({
    id: `abort:${addressText(move)}`,
    title: `Aborting the update of ${shortText(move)}: its stable ReplicaSet takes over`,
    undo: `Start the update of ${shortText(move)} again`,
    manualCommands: [plugin(cluster, move, `abort ${move.name}`)],
    manualUndoCommands: [plugin(cluster, move, `retry rollout ${move.name}`)]
  }),
  mismatch: rolloutMismatch,
  async apply(cluster, { move }, run) {
    const live = await readSame(cluster, move, run)
    if (isMadeOf(live, move.to.revision)) return { detail: 'the former template is there already' }
    if (templateHash(live.spec.template) !== move.from.hash && !isMadeOf(live, move.from.revision))
      throw templateChanged(move)
    if (live.status.abort) return { detail: 'aborted already' }
    // Once an update is complete, aborting would scale what serves to nothing (argoproj/argo-rollouts#1292).
    if (!isUpdating(live)) throw changedMeanwhile(move, 'its update was completed')
    await writeStatus(cluster, move, live, { abort: true }, run)
    return { detail: 'the stable ReplicaSet takes over' }
  },
  async revert(cluster, { move }, run) {
    const live = await readSame(cluster, move, run)
    if (!live.status.abort) return { detail: 'it is not aborted' }
    await writeStatus(cluster, move, live, { abort: false }, run)
    return { detail: 'the update starts again' }
  }
})

/** Promotes the restored version in full, as `kubectl argo rollouts promote --full` does, and waits until it serves. */
export const promote = kubernetesStep({
  kind: 'argo_promote',
  phase: 'switch',
  params: oneMove,
  describe: (cluster, { move }) => ({
    id: `promote:${addressText(move)}`,
    title: `Promoting ${shortText(move)} in full, without steps, pauses and analyses`,
    undo: null,
    manualCommands: [plugin(cluster, move, `promote ${move.name} --full`)]
  }),
  mismatch: rolloutMismatch,
  async apply(cluster, { move }, run) {
    const live = await awaitArgo(cluster, move, run)
    const promotes = isUpdating(live)
    if (promotes) await writeStatus(cluster, move, live, { promoteFull: true }, run)
    await followRollout(cluster, move, run)
    return { detail: promotes ? 'promoted' : 'it was promoted already' }
  },
  revert: async () => ({ detail: 'the template decides; there is no promotion to undo' })
})

function rolloutMismatch(
  _cluster: KubernetesContext,
  { move }: z.infer<typeof oneMove>,
  known: Known<ClusterState>
): string | null {
  return move.kind === 'rollout' ? moveMismatch(move, known) : `${addressText(move)} is no Rollout`
}

/** A command of the plugin of Argo Rollouts; kubectl takes no flags before a plugin's name. */
const plugin = ({ kubectl }: KubernetesContext, { namespace }: Move, words: string): string =>
  `${kubectl.replace('kubectl', `kubectl argo rollouts ${words}`)} -n ${namespace}`

/** The commands for a person who puts a revision back. */
export const argoUndo = (cluster: KubernetesContext, move: Move, revision: string): string[] => [
  plugin(cluster, move, `undo ${move.name} --to-revision=${numberCommand(cluster.kubectl, move, revision)}`),
  ...(move.paused ? [plugin(cluster, move, `promote ${move.name}`)] : []),
  plugin(cluster, move, `status ${move.name}`)
]

/** @throws TargetError `changed_meanwhile` when the Rollout is another object now. */
async function readSame(cluster: KubernetesContext, move: Move, { signal }: Run): Promise<WorkloadObject> {
  const live = await readWorkload(cluster, move, signal)
  if (live.metadata.uid !== move.uid) throw changedMeanwhile(move, 'it was deleted and created again')
  return live
}

/** Waits until the controller has seen the template: an earlier promotion would be for the previous one. */
async function awaitArgo(cluster: KubernetesContext, move: Move, { signal }: Run): Promise<WorkloadObject> {
  const { clock } = cluster
  const until = clock.now().getTime() + controllerLimitMs
  for (;;) {
    const live = await readWorkload(cluster, move, signal)
    if (isMadeOf(live, move.to.revision)) return live
    if (templateHash(live.spec.template) !== move.to.hash) throw templateChanged(move)
    if (clock.now().getTime() > until)
      throw new TargetError({
        what: `${addressText(move)} does not go back`,
        why: `the controller of Argo Rollouts did not react to its template within ${duration(controllerLimitMs)}`,
        state: `The template of ${move.to.revision} is in place; its pods are unchanged.`,
        next: 'Check that the controller argo-rollouts is running, then assess again.',
        code: 'not_noticed'
      })
    await clock.sleep(500, signal)
  }
}

const attempts = 5

/** Writes to the status of the object as it was read; after a conflict only while its update is still the same one. */
async function writeStatus(
  cluster: KubernetesContext,
  move: Move,
  seen: WorkloadObject,
  status: { abort: boolean } | { promoteFull: boolean },
  { signal }: Run
): Promise<void> {
  let live = seen
  for (let attempt = 1; ; attempt++) {
    const body = { metadata: { resourceVersion: live.metadata.resourceVersion ?? '' }, status }
    const doing = `Changing the status of ${addressText(move)}`
    const contentType = 'application/merge-patch+json'
    try {
      const path = `${pathOf(move)}/status`
      await cluster.api.send({ doing, method: 'PATCH', path, contentType, body, signal }, z.unknown())
      return
    } catch (error) {
      if (!isStatus(error, 409) || attempt === attempts) throw error
      live = await readWorkload(cluster, move, signal)
      if (live.metadata.generation !== seen.metadata.generation) throw changedMeanwhile(move, 'someone else changed it')
      if (isUpdating(live) !== isUpdating(seen)) throw changedMeanwhile(move, 'its update was completed')
    }
  }
}
