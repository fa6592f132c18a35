import type { JsonObject } from '../../../model/json.ts'
import type { Run, StepResult } from '../../target.ts'
import type { Workshop } from '../workshop.ts'
import { startBeside, takeOver } from './beside.ts'
import { create } from './create.ts'
import { healthy } from './healthy.ts'
import { pull } from './pull.ts'
import { removeOld } from './remove.ts'
import type { Replacement } from './replacement.ts'
import { swap } from './swap.ts'

/** What a kind of step does, and how it is undone; both find the facts on the engine. */
export interface StepWork {
  apply(workshop: Workshop, params: Replacement, run: Run): Promise<StepResult>
  revert(workshop: Workshop, params: Replacement, run: Run, recorded?: JsonObject): Promise<StepResult>
}

export const stepKinds: Record<string, StepWork> = {
  pull_image: pull,
  create_container: create,
  swap_container: swap,
  await_healthy: healthy,
  start_beside: startBeside,
  take_over: takeOver,
  remove_container: removeOld
}
