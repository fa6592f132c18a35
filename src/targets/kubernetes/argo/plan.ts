import type { Blocker, Risk } from '../../../model/observation.ts'
import type { Step } from '../../../model/step.ts'
import type { KubernetesContext } from '../context.ts'
import type { Move, WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Revision } from '../objects/revision.ts'
import type { Workload } from '../objects/workload.ts'
import type { Right } from '../preflight/rights.ts'
import { isRollout, isUpdating } from './state.ts'
import type { ArgoParams } from './steps.ts'

/** Argo Rollouts skips all steps on the way back to the stable ReplicaSet (argoproj.github.io/argo-rollouts, "Rollback Windows"). */
const isStable = ({ address, object }: Workload, { name }: Revision): boolean =>
  name === `${address.name}-${object.status.stableRS}`

/** Any other version would go through canary steps, pauses and analyses first, unless it is promoted. */
export const mustPromote = (workload: Workload, revision: Revision): boolean =>
  isRollout(workload.object) && !isStable(workload, revision)

/** Aborting and promoting write to the status. */
export const argoRights = ({ workload, revision }: WorkloadChange): Right[] =>
  isRollout(workload.object) && (isUpdating(workload.object) || mustPromote(workload, revision))
    ? [
        {
          namespace: workload.address.namespace,
          group: 'argoproj.io',
          resource: 'rollouts',
          subresource: 'status',
          verb: 'patch'
        }
      ]
    : []

export function argoRisks({ workload, revision }: WorkloadChange): Risk[] {
  if (!mustPromote(workload, revision)) return []
  return [
    {
      id: `skips_steps:${addressText(workload.address)}`,
      serious: false,
      title: `The steps, pauses and analyses of ${shortText(workload.address)} are skipped`,
      detail: `Its strategy is for new versions. Revision ${revision.number} is promoted in full immediately.`
    }
  ]
}

export function argoBlockers(cluster: KubernetesContext, { workload, revision, move }: WorkloadChange): Blocker[] {
  const { address, object } = workload
  if (!isRollout(object)) return []
  const { workloadRef, strategy } = object.spec
  const name = shortText(address)
  const next = `Run "${argoUndo(cluster, move, revision.number)[0]}", or apply the manifest of that version.`
  if (workloadRef)
    return [
      {
        id: `workload_ref:${addressText(address)}`,
        what: `${name} takes its pod template from ${workloadRef.kind ?? 'another workload'} ${workloadRef.name ?? ''}`,
        why: 'this program does not change a template in another workload (spec.workloadRef)',
        next
      }
    ]
  const { canary, blueGreen } = strategy ?? {}
  const writesIntoPods = [
    canary?.canaryMetadata,
    canary?.stableMetadata,
    canary?.antiAffinity,
    blueGreen?.previewMetadata,
    blueGreen?.activeMetadata,
    blueGreen?.antiAffinity
  ].some(Boolean)
  return writesIntoPods
    ? [
        {
          id: `injected:${addressText(address)}`,
          what: `The ReplicaSets of ${name} contain more than its template`,
          why: 'Argo Rollouts adds its own metadata or anti-affinity to them, which must not get into the template',
          next: 'Apply the manifest of that version.'
        }
      ]
    : []
}

/** A command of the plugin of Argo Rollouts; kubectl takes no flags before a plugin's name. */
const plugin = ({ kubectl }: KubernetesContext, { namespace }: Move, words: string): string =>
  `${kubectl.replace('kubectl', `kubectl argo rollouts ${words}`)} -n ${namespace}`

/** The commands for a person. */
export const argoUndo = (cluster: KubernetesContext, move: Move, revision: number): string[] => [
  plugin(cluster, move, `undo ${move.name} --to-revision=${revision}`),
  ...(move.paused ? [plugin(cluster, move, `promote ${move.name}`)] : []),
  plugin(cluster, move, `status ${move.name}`)
]

/** Takes the traffic away from a version that is being rolled out immediately, before its template is replaced. */
export const abortStep = (cluster: KubernetesContext, { workload, move }: WorkloadChange): Step[] =>
  isUpdating(workload.object) && workload.object.status.abort !== true
    ? [
        {
          id: `abort:${addressText(move)}`,
          kind: 'argo_abort',
          phase: 'switch',
          title: `Aborting the update of ${shortText(move)}: its stable ReplicaSet takes over`,
          params: { server: cluster.api.server, move } satisfies ArgoParams,
          undo: `Start the update of ${shortText(move)} again`,
          manualCommands: [plugin(cluster, move, `abort ${move.name}`)],
          manualUndoCommands: [plugin(cluster, move, `retry rollout ${move.name}`)]
        }
      ]
    : []

/** Skips the steps of its strategy, which are for new versions. */
export const promoteStep = (cluster: KubernetesContext, { workload, revision, move }: WorkloadChange): Step[] =>
  mustPromote(workload, revision)
    ? [
        {
          id: `promote:${addressText(move)}`,
          kind: 'argo_promote',
          phase: 'switch',
          title: `Promoting ${shortText(move)} in full, without steps, pauses and analyses`,
          params: { server: cluster.api.server, move: { ...move, follow: true } } satisfies ArgoParams,
          undo: null,
          manualCommands: [plugin(cluster, move, `promote ${move.name} --full`)]
        }
      ]
    : []
