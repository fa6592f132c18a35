import type { JsonObject } from '../../../model/json.ts'
import type { Step } from '../../../model/step.ts'
import { addressText, shortText } from '../names.ts'
import type { Move } from '../params.ts'
import type { Way } from '../plan.ts'
import type { Workshop } from '../workshop.ts'
import { mustPromote } from './plan.ts'
import { isUpdating } from './state.ts'

/** How a person does it, with the plugin of Argo Rollouts. */
export const argoUndo = ({ kubectl }: Workshop, { namespace, name, paused }: Move, revision: number): string[] => [
  `${kubectl} argo rollouts -n ${namespace} undo ${name} --to-revision=${revision}`,
  ...(paused ? [`${kubectl} argo rollouts -n ${namespace} promote ${name}`] : []),
  `${kubectl} argo rollouts -n ${namespace} status ${name}`
]

/** Takes the traffic from a version that is being rolled out at once, before its template is replaced. */
export const abortStep = ({ api, kubectl }: Workshop, { workload, move }: Way): Step[] =>
  isUpdating(workload.object) && workload.object.status.abort !== true
    ? [
        {
          id: `abort:${addressText(move)}`,
          kind: 'argo_abort',
          phase: 'cure',
          title: `Aborting the update of ${shortText(move)}: its stable ReplicaSet takes over`,
          params: { server: api.server, move: move as unknown as JsonObject },
          undo: `Let the update of ${shortText(move)} begin anew`,
          byHand: [`${kubectl} argo rollouts -n ${move.namespace} abort ${move.name}`],
          undoByHand: [`${kubectl} argo rollouts -n ${move.namespace} retry rollout ${move.name}`]
        }
      ]
    : []

/** Skips what a new version would have to go through. */
export const promoteStep = ({ api, kubectl }: Workshop, { workload, revision, move }: Way): Step[] =>
  mustPromote(workload, revision)
    ? [
        {
          id: `promote:${addressText(move)}`,
          kind: 'argo_promote',
          phase: 'cure',
          title: `Promoting ${shortText(move)} in full, without steps, pauses and analyses`,
          params: { server: api.server, move: { ...move, follow: true } as unknown as JsonObject },
          undo: null,
          byHand: [`${kubectl} argo rollouts -n ${move.namespace} promote ${move.name} --full`]
        }
      ]
    : []
