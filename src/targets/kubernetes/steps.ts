import { defineSteps } from '../define-steps.ts'
import { abortUpdate, promote } from './argo/steps.ts'
import type { KubernetesContext } from './context.ts'
import { rollBackRelease } from './helm/rollback-step.ts'
import { failPending } from './helm/unlock-step.ts'
import { mark } from './workloads/steps/annotate-revision.ts'
import { deletePods } from './workloads/steps/delete-pods.ts'
import { replacePods } from './workloads/steps/replace-pods.ts'
import { rollBack } from './workloads/steps/roll-back.ts'

/** Every kind of step that a plan on Kubernetes may have. */
export const steps = defineSteps<KubernetesContext>()(
  {
    roll_back: rollBack,
    delete_pods: deletePods,
    replace_pods: replacePods,
    mark,
    argo_abort: abortUpdate,
    argo_promote: promote,
    helm_unlock: failPending,
    helm_rollback: rollBackRelease
  },
  { of: 'cluster', isOurs: ({ api }, { server }) => server === api.server }
)
