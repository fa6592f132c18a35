import { defineSteps } from '../define-steps.ts'
import type { Target, TargetContext } from '../target.ts'
import { targetOf } from '../target-of.ts'
import { check } from './check.ts'
import type { VercelConfig } from './config.ts'
import { openContext, type VercelContext } from './context.ts'
import { diagnose } from './diagnose.ts'
import { moveAlias } from './move-alias.ts'
import { observe, type VercelState } from './observe.ts'
import { plan } from './plan.ts'
import { rollback } from './rollback.ts'

const steps = defineSteps([rollback, moveAlias], {
  of: 'project or server',
  isOurs: ({ vercel }: VercelContext, { api, project, team }) =>
    api === vercel.api && project === vercel.project && team === vercel.team
})

/** @throws ConfigError when no project is named, or no token is there. */
export async function openTarget(given: TargetContext<VercelConfig>): Promise<Target<VercelState>> {
  return targetOf(await openContext(given), steps, { observe, plan, check, diagnose })
}
