import type { JsonObject } from '../model/json.ts'
import type { Step } from '../model/step.ts'
import { TargetError } from '../support/errors.ts'
import { type StepType, unknownStep } from './define-step.ts'
import type { Known, Reread, Run, StepResult } from './target.ts'

interface Place<Context> {
  /** What a step must have been planned for: "site or server". */
  of: string
  /** The step was planned for what the configuration names now. */
  isOurs(context: Context, params: JsonObject): boolean
}

/** All kinds of steps of a target. */
export interface Steps<Context, State> {
  /** Holds the steps of an unfinished rollback against the target. */
  reread(context: Context, steps: readonly Step[], known: Known<State>): Promise<Reread>
  /** @throws InputError for a step that this program does not know; TargetError for one that was planned for another place. */
  apply(context: Context, step: Step, run: Run): Promise<StepResult>
  /** @throws as `apply` does. */
  revert(context: Context, step: Step, run: Run): Promise<StepResult>
}

/**
 * Puts the kinds of steps of a target together.
 * @param place what the parameters of every step name, where the configuration may have changed since the plan was made.
 */
export function defineSteps<Context, State>(
  types: readonly StepType<Context, State>[],
  place?: Place<Context>
): Steps<Context, State> {
  const typeOf = ({ kind }: Step) => types.find((type) => type.kind === kind)
  const isOurs = (context: Context, { params }: Step): boolean => !place || place.isOurs(context, params)
  const known = (context: Context, step: Step): StepType<Context, State> => {
    const type = typeOf(step)
    if (!type) throw unknownStep(step, 'this version knows no such step')
    if (!isOurs(context, step)) throw foreignStep(step, place?.of ?? 'place')
    return type
  }
  const rereadOne = async (context: Context, step: Step, found: Known<State>): Promise<Step | { mismatch: string }> => {
    const type = typeOf(step)
    if (!type) return { mismatch: 'this version knows no such step' }
    if (!isOurs(context, step))
      return { mismatch: `it was planned for another ${place?.of} than deploy.json names now` }
    return type.reread(context, step, found)
  }
  return {
    async reread(context, steps, found) {
      const all = await Promise.all(steps.map((step) => rereadOne(context, step, found)))
      return {
        steps: all.filter((one): one is Step => 'kind' in one),
        mismatches: byReason(all)
      }
    },
    apply: async (context, step, run) => known(context, step).apply(context, step, run),
    revert: async (context, step, run) => known(context, step).revert(context, step, run)
  }
}

/** Each reason once, with the numbers of the steps. */
function byReason(all: readonly (Step | { mismatch: string })[]): string[] {
  const reasons = new Map<string, number[]>()
  for (const [index, one] of all.entries())
    if ('mismatch' in one) reasons.set(one.mismatch, [...(reasons.get(one.mismatch) ?? []), index + 1])
  return [...reasons].map(
    ([reason, numbers]) => `${numbers.length > 1 ? 'steps' : 'step'} ${numbers.join(', ')}: ${reason}`
  )
}

const foreignStep = ({ title }: Step, place: string): TargetError =>
  new TargetError({
    what: `The step "${title}" was not carried out`,
    why: `it was planned for another ${place} than deploy.json names now`,
    next: 'Restore the configuration that it was planned with, or assess again.',
    code: 'foreign_step'
  })
