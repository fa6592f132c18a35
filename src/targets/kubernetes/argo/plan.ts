import type { Blocker, Risk } from '../../../model/observation.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Revision } from '../objects/revision.ts'
import type { Workload } from '../objects/workload.ts'
import type { Right } from '../preflight/right.ts'
import { isRollout, isUpdating } from './state.ts'
import { argoUndo } from './steps.ts'

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
  const next = `Run "${argoUndo(cluster, move, revision.name)[0]}", or apply the manifest of that version.`
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

/** Takes the traffic away from a version that is being rolled out immediately, before its template is replaced. */
export const mustAbort = ({ workload: { object } }: WorkloadChange): boolean =>
  isUpdating(object) && object.status.abort !== true
