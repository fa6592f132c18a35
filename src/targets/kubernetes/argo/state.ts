import type { WorkloadObject } from '../objects/objects.ts'
import type { Rollout } from '../objects/workload.ts'

/** A Rollout of Argo Rollouts (argoproj.io/v1alpha1); a Deployment's strategy has neither. */
export const isRollout = ({ spec }: Pick<WorkloadObject, 'spec'>): boolean =>
  Boolean(spec.strategy?.canary ?? spec.strategy?.blueGreen)

/** Its controller has seen the present specification; it writes the generation as text. */
const isSeen = ({ metadata, status }: WorkloadObject): boolean =>
  (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)

/**
 * Whether a Rollout's present template is that of this ReplicaSet. The controller compares them with defaults filled in
 * (PodTemplateEqualIgnoreHash of argoproj/argo-rollouts, utils/replicaset), which is impossible here, so its own status counts.
 */
export const isMadeOf = (object: WorkloadObject, replicaSet: string): boolean =>
  isRollout(object) &&
  isSeen(object) &&
  Boolean(object.status.currentPodHash) &&
  replicaSet === `${object.metadata.name}-${object.status.currentPodHash}`

/** An update is running and the former version is still the stable one; only then may it be aborted (argo-rollouts#1292). */
export const isUpdating = (object: WorkloadObject): boolean => {
  const { stableRS, currentPodHash } = object.status
  return isRollout(object) && Boolean(stableRS && currentPodHash) && stableRS !== currentPodHash
}

/** Its progress, as `kubectl argo rollouts status` counts (utils/rollout/rolloututil.go): `Healthy` is the controller's own status. */
export function argoRollout(object: WorkloadObject): Rollout {
  const { spec, status } = object
  const wanted = spec.replicas ?? 1
  const updated = status.updatedReplicas ?? 0
  const available = status.availableReplicas ?? 0
  // Blue-green and traffic routing keep the former pods for a while, without traffic.
  const keepsOld = Boolean(spec.strategy?.blueGreen ?? spec.strategy?.canary?.trafficRouting)
  const old = keepsOld ? 0 : Math.max(0, (status.replicas ?? 0) - updated)
  const seen = isSeen(object)
  const promoted = Boolean(status.stableRS) && status.stableRS === status.currentPodHash
  return {
    wanted,
    updated,
    available,
    old,
    seen,
    complete:
      seen &&
      promoted &&
      status.abort !== true &&
      (status.phase ?? 'Healthy') === 'Healthy' &&
      updated >= wanted &&
      old === 0 &&
      available >= wanted
  }
}
