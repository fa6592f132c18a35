import type { JsonObject } from '../../../model/json.ts'
import type { Step } from '../../../model/step.ts'
import type { KubernetesContext } from '../context.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Move } from '../step-params.ts'
import type { Way } from '../workloads/plan.ts'
import { mustPromote } from './plan.ts'
import { isUpdating } from './state.ts'

/** A command of the plugin of Argo Rollouts; kubectl takes no flags before a plugin's name. */
const plugin = ({ kubectl }: KubernetesContext, { namespace }: Move, words: string): string =>
  `${kubectl.replace('kubectl', `kubectl argo rollouts ${words}`)} -n ${namespace}`

/** How a person does it. */
export const argoUndo = (cluster: KubernetesContext, move: Move, revision: number): string[] => [
  plugin(cluster, move, `undo ${move.name} --to-revision=${revision}`),
  ...(move.paused ? [plugin(cluster, move, `promote ${move.name}`)] : []),
  plugin(cluster, move, `status ${move.name}`)
]

/** Takes the traffic from a version that is being rolled out at once, before its template is replaced. */
export const abortStep = (cluster: KubernetesContext, { workload, move }: Way): Step[] =>
  isUpdating(workload.object) && workload.object.status.abort !== true
    ? [
        {
          id: `abort:${addressText(move)}`,
          kind: 'argo_abort',
          phase: 'switch',
          title: `Aborting the update of ${shortText(move)}: its stable ReplicaSet takes over`,
          params: { server: cluster.api.server, move: move as unknown as JsonObject },
          undo: `Let the update of ${shortText(move)} begin anew`,
          manualCommands: [plugin(cluster, move, `abort ${move.name}`)],
          manualUndoCommands: [plugin(cluster, move, `retry rollout ${move.name}`)]
        }
      ]
    : []

/** Skips what a new version would have to go through. */
export const promoteStep = (cluster: KubernetesContext, { workload, revision, move }: Way): Step[] =>
  mustPromote(workload, revision)
    ? [
        {
          id: `promote:${addressText(move)}`,
          kind: 'argo_promote',
          phase: 'switch',
          title: `Promoting ${shortText(move)} in full, without steps, pauses and analyses`,
          params: { server: cluster.api.server, move: { ...move, follow: true } as unknown as JsonObject },
          undo: null,
          manualCommands: [plugin(cluster, move, `promote ${move.name} --full`)]
        }
      ]
    : []
