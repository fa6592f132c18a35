import type { CheckReport } from '../../../model/check.ts'
import type { Diagnosis } from '../../../model/diagnosis.ts'
import type { Observation } from '../../../model/observation.ts'
import type { PlanDraft } from '../../../model/plan.ts'
import type { Release } from '../../../model/release.ts'
import type { Step } from '../../../model/step.ts'
import { InputError } from '../../../support/errors.ts'
import type { Look, Observed, Run, StepResult, Target, TargetContext, TargetLease } from '../../target.ts'
import type { DockerConfig } from '../config.ts'
import type { DockerContext } from '../context.ts'
import { throughRestarts } from '../engine/restarts.ts'
import { check } from './check/check.ts'
import { diagnose } from './diagnose.ts'
import { createLease } from './lease.ts'
import { observe } from './observe/observe.ts'
import type { Workload } from './observe/workload.ts'
import { plan } from './plan/plan.ts'
import { stepKinds, wholeSteps } from './steps/index.ts'
import { type Replacement, rollSchema } from './steps/replacement.ts'

/** Containers on one engine as a target. */
export function createContainersTarget(
  context: TargetContext<DockerConfig>,
  docker: DockerContext
): Target<Workload> & { lease: TargetLease } {
  const lease: TargetLease = createLease(docker)
  return {
    observe: (signal: AbortSignal): Promise<Observed<Workload>> => observe(docker, context.history, signal),
    plan: (observation: Observation, state: Workload, release: Release, signal: AbortSignal): Promise<PlanDraft> =>
      plan(docker, observation, state, release, context.history, signal),
    apply: (step: Step, run: Run): Promise<StepResult> => doIt(docker, step, run, 'apply'),
    revert: (step: Step, run: Run): Promise<StepResult> => doIt(docker, step, run, 'revert'),
    check: (release: Release, look: Look): Promise<CheckReport> => check(docker, release, look),
    diagnose: (signal: AbortSignal): Promise<Diagnosis> => diagnose(docker, signal),
    lease
  }
}

function doIt(docker: DockerContext, step: Step, run: Run, way: 'apply' | 'revert'): Promise<StepResult> {
  const whole = wholeSteps[step.kind]
  const roll = stepKinds[step.kind]
  const patiently = (work: () => Promise<StepResult>) => throughRestarts(docker.engine, docker.clock, run, work)
  if (whole) return patiently(() => whole[way](docker, step, run))
  if (roll) return forEach(paramsOf(step), run, (member) => patiently(() => roll[way](docker, member, run)))
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
