import type { z } from 'zod'
import type { JsonObject } from '../model/json.ts'
import type { Step } from '../model/step.ts'
import { InputError } from '../support/errors.ts'
import type { Known, Move, Run, StepResult } from './target.ts'

/** What people read of a step, and its id. */
type StepTexts = Omit<Step, 'kind' | 'phase' | 'params'>

/** One kind of step: what it is called, when it belongs to a rollback, what it does, and how it is undone. */
interface StepDefinition<Context, State, Params extends JsonObject> {
  kind: string
  phase: Step['phase']
  /** Checks every name and version against its own grammar: a journal or a lease may hold anything. */
  params: z.ZodType<Params>
  /** The lines for people, made of what the step acts on and nothing else: what is shown is what is done. */
  describe(context: Context, params: Params, move: Move): StepTexts
  /**
   * Why a step of a journal or lease is not one of a rollback between these releases, as the target is now: it would put another
   * image, version or template in place, or act on something else. null when it is one, whatever of it was done already.
   */
  mismatch(context: Context, params: Params, known: Known<State>): string | null | Promise<string | null>
  /** Finds the facts on the target; safe to repeat. */
  apply(context: Context, params: Params, run: Run): Promise<StepResult>
  /** As `apply`. Left out where nothing needs undoing. */
  revert?(context: Context, params: Params, run: Run): Promise<StepResult>
}

/** A kind of step whose parameters only it knows. */
export interface StepType<Context, State> {
  kind: string
  /** The step with its lines made anew, or why it is none of this rollback. */
  reread(context: Context, step: Step, known: Known<State>): Promise<Step | { mismatch: string }>
  apply(context: Context, step: Step, run: Run): Promise<StepResult>
  revert(context: Context, step: Step, run: Run): Promise<StepResult>
}

/** A kind of step that plans are made of. */
export interface PlannedStepType<Context, State, Params> extends StepType<Context, State> {
  plan(context: Context, params: Params, move: Move): Step
}

/** Defines a kind of step. `apply` and `revert` throw InputError for parameters that are not valid. */
export const defineStep =
  <Context, State>() =>
  <Params extends JsonObject>(
    definition: StepDefinition<Context, State, Params>
  ): PlannedStepType<Context, State, Params> => {
    const { kind, phase, params: schema, describe, mismatch } = definition
    const paramsOf = (step: Step): Params => {
      const parsed = schema.safeParse(step.params)
      if (parsed.success) return parsed.data
      throw unknownStep(step, 'its parameters are not valid')
    }
    const plan = (context: Context, params: Params, move: Move): Step => ({
      kind,
      phase,
      params,
      ...describe(context, params, move)
    })
    return {
      kind,
      plan,
      async reread(context, step, known) {
        const parsed = schema.safeParse(step.params)
        if (!parsed.success) return { mismatch: 'its parameters are not valid' }
        const why = await mismatch(context, parsed.data, known)
        if (why) return { mismatch: why }
        const anew = plan(context, parsed.data, known)
        return anew.id === step.id ? anew : { mismatch: 'its id is another one' }
      },
      apply: async (context, step, run) => definition.apply(context, paramsOf(step), run),
      async revert(context, step, run) {
        const params = paramsOf(step)
        return (await definition.revert?.(context, params, run)) ?? { detail: 'nothing to undo' }
      }
    }
  }

export const unknownStep = ({ kind }: Step, why: string): InputError =>
  new InputError({
    what: `The step "${kind}" cannot be run`,
    why,
    next: 'Use the version of this program that started the rollback.',
    code: 'unknown_step'
  })
