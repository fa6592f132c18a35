import type { Steps } from './define-steps.ts'
import type { Target } from './target.ts'

type WithContext<Context, Verb> = Verb extends (...given: infer Given) => infer Result
  ? (context: Context, ...given: Given) => Result
  : never

type Reading = 'observe' | 'plan' | 'check' | 'diagnose'

/** Puts the six verbs of a target together, for one context. */
export const targetOf = <Context, State>(
  context: Context,
  steps: Steps<Context, State>,
  { observe, plan, check, diagnose }: { [Verb in Reading]: WithContext<Context, Target<State>[Verb]> }
): Target<State> => ({
  observe: (signal) => observe(context, signal),
  plan: (observation, state, release, signal) => plan(context, observation, state, release, signal),
  reread: (all, known) => steps.reread(context, all, known),
  apply: (step, run) => steps.apply(context, step, run),
  revert: (step, run) => steps.revert(context, step, run),
  check: (release, look) => check(context, release, look),
  diagnose: (signal) => diagnose(context, signal)
})
