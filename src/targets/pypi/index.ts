import type { Step } from '../../model/step.ts'
import { TargetError } from '../../support/errors.ts'
import type { Target, TargetContext, TargetModule } from '../target.ts'
import { check } from './check.ts'
import { type PypiConfig, pypiConfigSchema } from './config.ts'
import { diagnose } from './diagnose.ts'
import { versionPattern } from './names.ts'
import { observe } from './observe.ts'
import { openPackageIndex } from './package-index.ts'
import { plan } from './plan.ts'
import { settle } from './settings.ts'
import { applyYank, revertYank } from './yank.ts'

/** A project of a Python package index: what installers take when they are asked for no version is what serves. */
const pypi: TargetModule<PypiConfig> = {
  configSchema: pypiConfigSchema,
  version: { pattern: versionPattern, says: 'a version by PEP 440, such as 1.4.2 or 2.0rc1' },
  open
}

export default pypi as TargetModule

async function open(context: TargetContext<PypiConfig>): Promise<Target> {
  const settings = await settle(context)
  const index = openPackageIndex(settings, context)
  const { clock, history } = context
  const own = (step: Step): Step => {
    if (step.kind === 'yank' && step.params.project === settings.path && step.params.index === settings.simple)
      return step
    throw foreign(step)
  }
  return {
    observe: async (signal) => ({ observation: await observe(index, settings, history, signal), state: null }),
    plan: (seen, _state, release, signal) => plan(index, settings, history, seen, release, signal),
    apply: async (step, run) => await applyYank(index, settings, clock, own(step), run),
    revert: async (step, run) => await revertYank(index, settings, own(step), run),
    check: (release, look) => check(index, settings, release, look),
    diagnose: (signal) => diagnose(index, settings, signal)
  }
}

const foreign = (step: Step): TargetError =>
  new TargetError({
    what: `The step "${step.title}" was not carried out`,
    why: 'it was planned for another project or index than deploy.json now names',
    next: 'Restore the configuration that it was planned with, or assess again.',
    code: 'foreign_step'
  })
