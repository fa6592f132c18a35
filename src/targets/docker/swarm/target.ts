import type { z } from 'zod'
import type { DeploymentRecord } from '../../../model/deployment-record.ts'
import type { Step } from '../../../model/step.ts'
import { InputError } from '../../../support/errors.ts'
import type { Target, TargetLease } from '../../target.ts'
import type { DockerContext } from '../context.ts'
import { checkServices } from './check.ts'
import { diagnoseServices } from './diagnose.ts'
import { createServiceLease } from './lease.ts'
import { observeServices } from './observe.ts'
import { planServices } from './plan.ts'
import { applyService, restoreSettings, revertService, serviceStepSchema, settingsStepSchema } from './steps.ts'

/** Services of a swarm as a target. */
export function createServicesTarget(
  docker: DockerContext,
  history: readonly DeploymentRecord[]
): Target & { lease: TargetLease } {
  return {
    observe: async (signal) => ({ observation: await observeServices(docker, history, signal), state: null }),
    plan: (observation, _state, release, signal) => planServices(docker, observation, release, history, signal),
    apply: (step, run) =>
      step.kind === 'service_settings'
        ? restoreSettings(docker, paramsOf(step, settingsStepSchema), run)
        : applyService(docker, paramsOf(step, serviceStepSchema), run),
    revert: async (step, run) =>
      step.kind === 'service_settings' ? {} : revertService(docker, paramsOf(step, serviceStepSchema), run),
    check: (release, look) => checkServices(docker, release, look),
    diagnose: (signal) => diagnoseServices(docker, signal),
    lease: createServiceLease(docker)
  }
}

function paramsOf<T>(step: Step, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(step.params)
  if (parsed.success) return parsed.data
  throw new InputError({
    what: `The step "${step.kind}" cannot be run`,
    why: 'its parameters are not understood',
    next: 'Use the version of the program that began the rollback.',
    code: 'unknown_step'
  })
}
