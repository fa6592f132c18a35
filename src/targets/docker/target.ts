import type { CheckReport } from '../../model/check.ts'
import type { Diagnosis } from '../../model/diagnosis.ts'
import type { JsonObject } from '../../model/json.ts'
import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import type { Survey } from '../../model/survey.ts'
import { InputError } from '../../support/errors.ts'
import type { Look, Run, StepResult, Target, TargetContext, TargetLease } from '../target.ts'
import { check } from './check.ts'
import type { DockerConfig } from './config.ts'
import { diagnose } from './diagnose.ts'
import { throughRestarts } from './engine/patience.ts'
import { createLease } from './lease.ts'
import { plan } from './plan.ts'
import { stepKinds } from './steps/index.ts'
import { replacementSchema } from './steps/replacement.ts'
import { survey } from './survey.ts'
import type { Workshop } from './workshop.ts'

/** Containers on one engine as a target. */
export function createContainersTarget(
  context: TargetContext<DockerConfig>,
  workshop: Workshop
): Target & { lease: TargetLease } {
  const { engine } = workshop
  const lease: TargetLease = createLease(workshop)
  return {
    survey: (signal: AbortSignal): Promise<Survey> => survey(workshop, context.history, signal),
    plan: (surveyed: Survey, release: Release, signal: AbortSignal): Promise<PlanDraft> =>
      plan(workshop, surveyed, release, context.history, signal),
    apply: (step: Step, run: Run): Promise<StepResult> =>
      throughRestarts(engine, context.clock, run, () => workFor(step).apply(workshop, paramsOf(step), run)),
    revert: (step: Step, run: Run, recorded?: JsonObject): Promise<StepResult> =>
      throughRestarts(engine, context.clock, run, () => workFor(step).revert(workshop, paramsOf(step), run, recorded)),
    check: (release: Release, look: Look): Promise<CheckReport> => check(workshop, release, look),
    diagnose: (signal: AbortSignal): Promise<Diagnosis> => diagnose(workshop, signal),
    lease
  }
}

const workFor = (step: Step) => {
  const work = stepKinds[step.kind]
  if (!work) throw unknownStep(step.kind, 'this version of the program knows no such step')
  return work
}

const paramsOf = (step: Step) => {
  const parsed = replacementSchema.safeParse(step.params)
  if (!parsed.success) throw unknownStep(step.kind, 'its parameters are not understood')
  return parsed.data
}

const unknownStep = (kind: string, why: string): InputError =>
  new InputError({
    what: `The step "${kind}" cannot be run`,
    why,
    next: 'Use the version of the program that began the rollback.',
    code: 'unknown_step'
  })
