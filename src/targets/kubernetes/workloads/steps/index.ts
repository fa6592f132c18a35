import type { Step } from '../../../../model/step.ts'
import type { Run, StepResult } from '../../../target.ts'
import { applyAbort, applyPromote, revertAbort, revertPromote } from '../../argo/steps.ts'
import type { KubernetesContext } from '../../context.ts'
import { applyHelmRollback, revertHelmRollback } from '../../helm/rollback-step.ts'
import { applyHelmUnlock, revertHelmUnlock } from '../../helm/unlock-step.ts'
import type { StepKind } from '../../step-params.ts'
import { applyMark, revertMark } from './annotate-revision.ts'
import { applyDeletePods, revertDeletePods } from './delete-pods.ts'
import { applyReplacePods, revertReplacePods } from './replace-pods.ts'
import { applyRollBack, revertRollBack } from './roll-back.ts'

type Work = (cluster: KubernetesContext, step: Step, run: Run) => Promise<StepResult>

/** What each kind of step does, and how it is undone. */
export const stepKinds: Record<StepKind, { apply: Work; revert: Work }> = {
  roll_back: { apply: applyRollBack, revert: revertRollBack },
  delete_pods: { apply: applyDeletePods, revert: revertDeletePods },
  argo_abort: { apply: applyAbort, revert: revertAbort },
  argo_promote: { apply: applyPromote, revert: revertPromote },
  helm_unlock: { apply: applyHelmUnlock, revert: revertHelmUnlock },
  helm_rollback: { apply: applyHelmRollback, revert: revertHelmRollback },
  replace_pods: { apply: applyReplacePods, revert: revertReplacePods },
  mark: { apply: applyMark, revert: revertMark }
}

export const isStepKind = (kind: string): kind is StepKind => Object.hasOwn(stepKinds, kind)
