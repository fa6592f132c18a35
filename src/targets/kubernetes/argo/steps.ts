import type { JsonObject } from '../../../model/json.ts'
import type { Step } from '../../../model/step.ts'
import type { Workshop } from '../context.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Move } from '../step-params.ts'
import type { Way } from '../workloads/plan.ts'
import { mustPromote } from './plan.ts'
import { isUpdating } from './state.ts'

/** A command of the plugin of Argo Rollouts; kubectl takes no flags before a plugin's name. */
const plugin = ({ kubectl }: Workshop, { namespace }: Move, words: string): string =>
  `${kubectl.replace('kubectl', `kubectl argo rollouts ${words}`)} -n ${namespace}`

/** How a person does it. */
export const argoUndo = (workshop: Workshop, move: Move, revision: number): string[] => [
  plugin(workshop, move, `undo ${move.name} --to-revision=${revision}`),
  ...(move.paused ? [plugin(workshop, move, `promote ${move.name}`)] : []),
  plugin(workshop, move, `status ${move.name}`)
]

/** Takes the traffic from a version that is being rolled out at once, before its template is replaced. */
export const abortStep = (workshop: Workshop, { workload, move }: Way): Step[] =>
  isUpdating(workload.object) && workload.object.status.abort !== true
    ? [
        {
          id: `abort:${addressText(move)}`,
          kind: 'argo_abort',
          phase: 'cure',
          title: `Aborting the update of ${shortText(move)}: its stable ReplicaSet takes over`,
          params: { server: workshop.api.server, move: move as unknown as JsonObject },
          undo: `Let the update of ${shortText(move)} begin anew`,
          byHand: [plugin(workshop, move, `abort ${move.name}`)],
          undoByHand: [plugin(workshop, move, `retry rollout ${move.name}`)]
        }
      ]
    : []

/** Skips what a new version would have to go through. */
export const promoteStep = (workshop: Workshop, { workload, revision, move }: Way): Step[] =>
  mustPromote(workload, revision)
    ? [
        {
          id: `promote:${addressText(move)}`,
          kind: 'argo_promote',
          phase: 'cure',
          title: `Promoting ${shortText(move)} in full, without steps, pauses and analyses`,
          params: { server: workshop.api.server, move: { ...move, follow: true } as unknown as JsonObject },
          undo: null,
          byHand: [plugin(workshop, move, `promote ${move.name} --full`)]
        }
      ]
    : []
