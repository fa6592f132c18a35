import type { z } from 'zod'
import type { JsonObject } from '../model/json.ts'
import type { Step } from '../model/step.ts'
import { TargetError } from '../support/errors.ts'
import { type StepType, unknownStep } from './define-step.ts'
import type { Known, Reread, Run, StepResult } from './target.ts'

/** One kind of step: its parameters, what it does, and how it is undone. Both find the facts on the target and are safe to repeat. */
export interface StepKind<Context, Params> {
  params: z.ZodType<Params>
  apply(context: Context, params: Params, run: Run): Promise<StepResult>
  /** `recorded` is what `apply` kept in the journal. Left out where nothing needs undoing. */
  revert?(context: Context, params: Params, run: Run, recorded?: JsonObject): Promise<StepResult>
}

/** All kinds of steps of a target. */
export interface Steps<Context> {
  /** @throws InputError for a step that this program does not know; TargetError for one that was planned for another place. */
  apply(context: Context, step: Step, run: Run): Promise<StepResult>
  /** @throws as `apply` does. */
  revert(context: Context, step: Step, run: Run, recorded?: JsonObject): Promise<StepResult>
}

interface Place<Context, Params> {
  /** What a step must have been planned for: "site or server". */
  of: string
  /** The step was planned for what the configuration names now. */
  isOurs(context: Context, params: Params): boolean
}

/**
 * Declares the steps of a target by their `kind`.
 * @param place what the parameters of every step name, where the configuration may have changed since the plan was made.
 */
export const defineSteps =
  <Context>() =>
  <Kinds extends Record<string, unknown>>(
    kinds: { [Kind in keyof Kinds]: StepKind<Context, Kinds[Kind]> },
    place?: Place<Context, Kinds[keyof Kinds]>
  ): Steps<Context> => {
    const known = (context: Context, step: Step) => {
      if (!Object.hasOwn(kinds, step.kind)) throw unknownStep(step, 'this version knows no such step')
      const kind = kinds[step.kind as keyof Kinds]
      const parsed = kind.params.safeParse(step.params)
      if (!parsed.success) throw unknownStep(step, 'its parameters are not valid')
      if (place && !place.isOurs(context, parsed.data)) throw foreignStep(step, place.of)
      return { kind, params: parsed.data }
    }
    return {
      async apply(context, step, run) {
        const { kind, params } = known(context, step)
        return kind.apply(context, params, run)
      },
      async revert(context, step, run, recorded) {
        const { kind, params } = known(context, step)
        return (await kind.revert?.(context, params, run, recorded)) ?? { detail: 'nothing to undo' }
      }
    }
  }

/** All kinds of steps of a target, which are held against the target before an unfinished rollback goes on. */
export interface RereadableSteps<Context, State> extends Steps<Context> {
  reread(context: Context, steps: readonly Step[], known: Known<State>): Promise<Reread>
}

/**
 * Puts the kinds of steps of a target together.
 * @param place what the parameters of every step name, where the configuration may have changed since the plan was made.
 */
export function stepsOf<Context, State>(
  types: readonly StepType<Context, State>[],
  place?: Place<Context, JsonObject>
): RereadableSteps<Context, State> {
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
        mismatches: all.flatMap((one, index) => ('mismatch' in one ? [`step ${index + 1}: ${one.mismatch}`] : []))
      }
    },
    apply: async (context, step, run) => known(context, step).apply(context, step, run),
    revert: async (context, step, run, recorded) => known(context, step).revert(context, step, run, recorded)
  }
}

const foreignStep = ({ title }: Step, place: string): TargetError =>
  new TargetError({
    what: `The step "${title}" was not carried out`,
    why: `it was planned for another ${place} than deploy.json names now`,
    next: 'Restore the configuration that it was planned with, or assess again.',
    code: 'foreign_step'
  })
