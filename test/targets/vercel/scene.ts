import type { DeploymentRecord } from '../../../src/model/deployment-record.ts'
import type { Observation } from '../../../src/model/observation.ts'
import type { PlanDraft } from '../../../src/model/plan.ts'
import type { Release } from '../../../src/model/release.ts'
import type { Step } from '../../../src/model/step.ts'
import type { Target } from '../../../src/targets/target.ts'
import vercelModule from '../../../src/targets/vercel/index.ts'
import { targetContext } from '../../../testkit/target-context.ts'
import type { FakeVercel } from '../../fakes/vercel/server.ts'
import { hastyClock } from '../../harness/hasty-clock.ts'

export const [oldest, good, broken] = ['aaaaaaa1'.repeat(5), 'bbbbbbb2'.repeat(5), 'ccccccc3'.repeat(5)] as const
export const signal = () => AbortSignal.timeout(50_000)

/** A record of deploy.json as popkit writes it. */
export const record = (
  version: string,
  commit: string,
  status: string,
  at = '2026-01-02T00:00:00.000Z'
): DeploymentRecord => ({ at, target: 'vercel', version, status, commit })

/** The target on its own. This process does not trust the domains' certificate, so their pages stay unseen here. */
export function open(vercel: FakeVercel, history: DeploymentRecord[] = [], more = {}): Promise<Target> {
  const config = vercelModule.configSchema.parse({ project_id: vercel.projectId, team_id: vercel.teamId, ...more })
  return vercelModule.open({
    ...targetContext({ name: 'vercel', projectDir: '/nowhere', env: vercel.env, history, clock: hastyClock() }),
    config
  })
}

export interface Planned {
  target: Target
  observation: Observation
  release: Release
  draft: PlanDraft
  step: Step
}

export async function planned(vercel: FakeVercel, version = 'bbbbbbb', more = {}): Promise<Planned> {
  const target = await open(vercel, [], more)
  const { observation, state } = await target.observe(signal())
  const release = observation.releases.find((one) => one.version === version)
  if (!release) throw new Error(`no ${version}`)
  const draft = await target.plan(observation, state, release, signal())
  const [step] = draft.steps
  if (!step) throw new Error('no step')
  return { target, observation, release, draft, step }
}
