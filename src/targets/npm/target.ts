import type { Step } from '../../model/step.ts'
import { TargetError } from '../../support/errors.ts'
import type { Run, StepResult, Target, TargetContext } from '../target.ts'
import { check } from './check.ts'
import type { NpmConfig } from './config.ts'
import { applyDeprecate, revertDeprecate } from './deprecate.ts'
import { diagnose } from './diagnose.ts'
import { observe } from './observe.ts'
import { createAuthority } from './one-time-password.ts'
import { plan } from './plan.ts'
import { openRegistry } from './registry.ts'
import { applySetTag, revertSetTag } from './set-tag.ts'
import { settle } from './settings.ts'

/** A package of an npm registry: what its dist-tag points at is what serves. */
export async function open(context: TargetContext<NpmConfig>): Promise<Target> {
  const settings = await settle(context)
  const registry = openRegistry(settings)
  const { clock, mask } = context
  const authority = createAuthority(registry, clock, mask)
  const carryOut = (verbs: Record<string, Verb>, step: Step, run: Run): Promise<StepResult> => {
    const verb = verbs[step.kind]
    if (!verb || step.params.package !== settings.name || step.params.registry !== settings.registry)
      throw foreign(step)
    return verb(registry, authority, clock, step, run)
  }
  return {
    observe: async (signal) => ({
      observation: await observe(registry, settings, context.history, signal),
      state: null
    }),
    plan: (seen, _state, release, signal) => plan(registry, settings, context, seen, release, signal),
    apply: async (step, run) => await carryOut({ 'set-tag': applySetTag, deprecate: applyDeprecate }, step, run),
    revert: async (step, run) => await carryOut({ 'set-tag': revertSetTag, deprecate: revertDeprecate }, step, run),
    check: (release, look) => check(registry, settings, context, release, look),
    diagnose: (signal) => diagnose(registry, settings, signal)
  }
}

type Verb = typeof applySetTag

const foreign = (step: Step): TargetError =>
  new TargetError({
    what: `The step "${step.title}" was not carried out`,
    why: 'it was planned for another package or registry than deploy.json now names',
    next: 'Restore the configuration that it was planned with, or assess again.',
    code: 'foreign_step'
  })
