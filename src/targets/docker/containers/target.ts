import type { CheckReport } from '../../../model/check.ts'
import type { Diagnosis } from '../../../model/diagnosis.ts'
import type { Survey } from '../../../model/observation.ts'
import type { PlanDraft } from '../../../model/plan.ts'
import type { Release } from '../../../model/release.ts'
import type { Step } from '../../../model/step.ts'
import { InputError } from '../../../support/errors.ts'
import type { Look, Run, StepResult, Target, TargetContext, TargetLease } from '../../target.ts'
import type { DockerConfig } from '../config.ts'
import type { Workshop } from '../context.ts'
import { throughRestarts } from '../engine/patience.ts'
import { check } from './check/check.ts'
import { diagnose } from './diagnose.ts'
import { createLease } from './lease.ts'
import { survey } from './observe/observe.ts'
import { plan } from './plan/plan.ts'
import { stepKinds, wholeSteps } from './steps/index.ts'
import { type Replacement, rollSchema } from './steps/replacement.ts'

/** Containers on one engine as a target. */
export function createContainersTarget(
  context: TargetContext<DockerConfig>,
  workshop: Workshop
): Target & { lease: TargetLease } {
  const lease: TargetLease = createLease(workshop)
  return {
    survey: (signal: AbortSignal): Promise<Survey> => survey(workshop, context.history, signal),
    plan: (surveyed: Survey, release: Release, signal: AbortSignal): Promise<PlanDraft> =>
      plan(workshop, surveyed, release, context.history, signal),
    apply: (step: Step, run: Run): Promise<StepResult> => doIt(workshop, step, run, 'apply'),
    revert: (step: Step, run: Run): Promise<StepResult> => doIt(workshop, step, run, 'revert'),
    check: (release: Release, look: Look): Promise<CheckReport> => check(workshop, release, look),
    diagnose: (signal: AbortSignal): Promise<Diagnosis> => diagnose(workshop, signal),
    lease
  }
}

function doIt(workshop: Workshop, step: Step, run: Run, way: 'apply' | 'revert'): Promise<StepResult> {
  const whole = wholeSteps[step.kind]
  const roll = stepKinds[step.kind]
  const patiently = (work: () => Promise<StepResult>) => throughRestarts(workshop.engine, workshop.clock, run, work)
  if (whole) return patiently(() => whole[way](workshop, step, run))
  if (roll) return forEach(paramsOf(step), run, (member) => patiently(() => roll[way](workshop, member, run)))
  throw unknownStep(step.kind, 'this version of the program knows no such step')
}

const paramsOf = (step: Step): Replacement[] => {
  const parsed = rollSchema.safeParse(step.params)
  if (!parsed.success) throw unknownStep(step.kind, 'its parameters are not understood')
  return parsed.data.members
}

/** All members at once; each is brought to its end before a failure of one is told. */
async function forEach(
  members: readonly Replacement[],
  run: Run,
  work: (member: Replacement, run: Run) => Promise<StepResult>
): Promise<StepResult> {
  const results = await Promise.allSettled(members.map((member) => work(member, run)))
  const details = results.map((result, index) => {
    if (result.status === 'rejected') throw result.reason
    const { detail } = result.value
    return members.length > 1 ? `${members[index]?.name}: ${detail}` : detail
  })
  return { detail: details.join('; ') }
}

const unknownStep = (kind: string, why: string): InputError =>
  new InputError({
    what: `The step "${kind}" cannot be run`,
    why,
    next: 'Use the version of the program that began the rollback.',
    code: 'unknown_step'
  })
