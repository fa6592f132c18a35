import { defineSteps } from '../define-steps.ts'
import type { Target, TargetContext } from '../target.ts'
import { targetOf } from '../target-of.ts'
import { check } from './check.ts'
import type { GitHubConfig } from './config.ts'
import { type GitHubContext, openContext } from './context.ts'
import { diagnose } from './diagnose.ts'
import { markFailed, withdraw } from './mark-failed.ts'
import { markLatest } from './mark-latest.ts'
import { type GitHubState, observe } from './observe.ts'
import { plan } from './plan.ts'

const steps = defineSteps([markLatest, markFailed, withdraw], {
  of: 'repository or server',
  isOurs: ({ github }: GitHubContext, { repository, api }) => repository === github.name && api === github.api
})

/** @throws ConfigError when no repository is named, or a name or address is not valid. */
export async function openTarget(given: TargetContext<GitHubConfig>): Promise<Target<GitHubState>> {
  return targetOf(await openContext(given), steps, { observe, plan, check, diagnose })
}
