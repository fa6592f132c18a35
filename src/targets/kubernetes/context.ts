import type { TargetContext } from '../target.ts'
import type { Api } from './client/api.ts'
import type { SharedLists } from './client/follow-list.ts'
import type { KubernetesConfig } from './config.ts'
import type { Helm } from './helm/index.ts'
import type { Pod, WorkloadObject } from './objects/objects.ts'

/** What every part of this target works with. */
export interface KubernetesContext
  extends Pick<TargetContext<KubernetesConfig>, 'config' | 'history' | 'env' | 'clock' | 'log' | 'mask'> {
  api: Api
  /** Watched lists, one for all who follow the same objects. */
  lists: { workloads: SharedLists<WorkloadObject>; pods: SharedLists<Pod> }
  /** The namespace of workloads that name none. */
  namespace: string
  /** Arguments that make kubectl talk to the same cluster, for commands that are shown. */
  kubectl: string
  helm: Helm
}
