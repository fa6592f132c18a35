import type { JsonObject } from '../../../src/model/json.ts'
import type { Observation } from '../../../src/model/observation.ts'
import type { PlanDraft } from '../../../src/model/plan.ts'
import type { Release } from '../../../src/model/release.ts'
import { createMask, type Mask } from '../../../src/support/mask.ts'
import { configSchema, type KubernetesConfig } from '../../../src/targets/kubernetes/config.ts'
import type { KubernetesContext } from '../../../src/targets/kubernetes/context.ts'
import { open, openContext } from '../../../src/targets/kubernetes/target.ts'
import type { Target, TargetContext } from '../../../src/targets/target.ts'
import { targetContext, testRun } from '../../harness/context.ts'
import type { Cluster } from './cluster.ts'

export const inTime = (): AbortSignal => AbortSignal.timeout(200_000)

const contextOf = (
  namespace: string,
  kubeconfig: string,
  config: JsonObject,
  env: NodeJS.ProcessEnv = {},
  mask: Mask = createMask()
): TargetContext<KubernetesConfig> => ({
  ...targetContext({ name: 'kubernetes', projectDir: '/' }),
  config: configSchema.parse({ namespace, ...config }),
  env: { PATH: process.env.PATH, KUBECONFIG: kubeconfig, ...env },
  mask
})

/** The target's own verbs on a cluster, as some identity and in some environment. */
export const openTarget = (
  { namespace, kubeconfig }: Pick<Cluster, 'namespace' | 'kubeconfig'>,
  config: JsonObject,
  env?: NodeJS.ProcessEnv,
  mask?: Mask
): Promise<Target> => open(contextOf(namespace, kubeconfig, config, env, mask)) as Promise<Target>

/** What the verbs work with, for tests of one part. */
export const testContext = (
  { namespace, kubeconfig }: Pick<Cluster, 'namespace' | 'kubeconfig'>,
  config: JsonObject
): Promise<KubernetesContext> => openContext(contextOf(namespace, kubeconfig, config))

export interface Planned extends PlanDraft {
  observation: Observation
  release: Release
}

/** Observes, and plans going back to a version. */
export async function planned(target: Target, version: string): Promise<Planned> {
  const { observation, state } = await target.observe(inTime())
  const release = observation.releases.find((one) => one.version === version)
  if (!release)
    throw new Error(`there is no ${version} among ${observation.releases.map((one) => one.version).join(', ')}`)
  return { ...(await target.plan(observation, state, release, inTime())), observation, release }
}

/** Applies steps in order, as the engine does. */
export async function applyAll(target: Target, { steps }: Pick<Planned, 'steps'>, run = testRun()): Promise<string[]> {
  const details: string[] = []
  for (const step of steps) details.push((await target.apply(step, run)).detail ?? '')
  return details
}

/** Reverts steps, newest first, as the engine does. */
export async function revertAll(target: Target, { steps }: Pick<Planned, 'steps'>, run = testRun()): Promise<void> {
  for (const step of [...steps].reverse()) await target.revert(step, run)
}
