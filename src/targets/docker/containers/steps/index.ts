import type { Step } from '../../../../model/step.ts'
import type { Run, StepResult } from '../../../target.ts'
import { applyReminder } from '../../compose/reminder.ts'
import { applyRevival, revertRevival } from '../../compose/revive.ts'
import type { DockerContext } from '../../context.ts'
import { startBeside, takeOver } from './beside.ts'
import { create } from './create.ts'
import { applyDependents } from './dependents.ts'
import { healthy } from './healthy.ts'
import { applyPull } from './pull.ts'
import { rehearse } from './rehearse.ts'
import { removeOld } from './remove.ts'
import type { Replacement } from './replacement.ts'
import { swap } from './swap.ts'

/** What a kind of step does with each container, and how it is undone; both find the facts on the engine. */
export interface StepWork {
  apply(docker: DockerContext, params: Replacement, run: Run): Promise<StepResult>
  revert(docker: DockerContext, params: Replacement, run: Run): Promise<StepResult>
}

export const stepKinds: Record<string, StepWork> = {
  rehearse,
  create_container: create,
  swap_container: swap,
  await_healthy: healthy,
  start_beside: startBeside,
  take_over: takeOver,
  remove_container: removeOld
}

/** The same for a step that concerns all at once. */
interface WholeStepWork {
  apply(docker: DockerContext, step: Step, run: Run): Promise<StepResult>
  revert(docker: DockerContext, step: Step, run: Run): Promise<StepResult>
}

const nothingToUndo = async (): Promise<StepResult> => ({ detail: 'nothing to undo' })

export const wholeSteps: Record<string, WholeStepWork> = {
  pull_image: { apply: applyPull, revert: nothingToUndo },
  compose_up: { apply: applyRevival, revert: revertRevival },
  dependents: { apply: applyDependents, revert: nothingToUndo },
  compose_files: { apply: applyReminder, revert: nothingToUndo }
}
