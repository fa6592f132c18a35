import type { Step } from '../../../../model/step.ts'
import { TargetError } from '../../../../support/errors.ts'
import type { Run, StepResult } from '../../../target.ts'
import type { KubernetesContext } from '../../context.ts'
import { unlock } from '../../helm/unlock.ts'
import { paramsOf } from '../../step-params.ts'

const said = { unlocked: 'recorded as failed', failed: 'recorded as failed already', gone: 'no longer recorded' }

/** Records a pending revision, whose helm program died, as failed. @throws TargetError `changed_meanwhile` when it lived and ended well. */
export async function applyHelmUnlock(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const { release, revision } = paramsOf('helm_unlock', step, cluster)
  const state = await unlock(cluster.api, release, revision, run.signal)
  if (state !== 'deployed') return { detail: said[state] }
  throw new TargetError({
    what: `Helm's release ${release.name} was not touched`,
    why: `its revision ${revision} was pending when the plan was made, and has been deployed since`,
    next: 'Assess again, and decide by what serves now.',
    code: 'changed_meanwhile'
  })
}

/** That the operation ended is true, so there is nothing to take back. */
export const revertHelmUnlock = async (): Promise<StepResult> => ({ detail: 'its program is gone, so it stays so' })
