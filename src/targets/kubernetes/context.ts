import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Clock } from '../../support/clock.ts'
import type { Logger } from '../../support/log.ts'
import type { Mask } from '../../support/mask.ts'
import type { Api } from './client/api.ts'
import type { SharedLists } from './client/follow-list.ts'
import type { KubernetesConfig } from './config.ts'
import type { Helm } from './helm/index.ts'
import type { Pod, Template, WorkloadObject } from './objects/objects.ts'

/** What every part of this target works with. */
export interface KubernetesContext {
  api: Api
  /** What is watched, once for all who watch it. */
  lists: { workloads: SharedLists<WorkloadObject>; pods: SharedLists<Pod> }
  config: KubernetesConfig
  /** Of workloads that name none. */
  namespace: string
  /** Arguments that make kubectl talk to the same cluster, for commands that are shown. */
  kubectl: string
  helm: Helm
  history: readonly DeploymentRecord[]
  clock: Clock
  log: Logger
  mask: Mask
}

/** Keeps the literal values of a pod's environment out of whatever leaves, but for the names of its containers and images. */
export function hideEnvironment({ mask }: Pick<KubernetesContext, 'mask'>, { spec }: Template): void {
  for (const { name: container, image, env } of [...spec.containers, ...(spec.initContainers ?? [])]) {
    for (const name of [container, image]) if (name) mask.spare(name)
    for (const { name, value } of env ?? []) if (value) mask.addVariable(name, value)
  }
}
