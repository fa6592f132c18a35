import type { JsonObject } from '../../../src/model/json.ts'
import type { Observation } from '../../../src/model/observation.ts'
import type { PlanDraft } from '../../../src/model/plan.ts'
import type { Release } from '../../../src/model/release.ts'
import { systemClock } from '../../../src/support/clock.ts'
import { createMask, type Mask } from '../../../src/support/mask.ts'
import { openApi } from '../../../src/targets/kubernetes/client/api.ts'
import { connect } from '../../../src/targets/kubernetes/client/connect.ts'
import { sharedLists } from '../../../src/targets/kubernetes/client/shared-list.ts'
import { configSchema } from '../../../src/targets/kubernetes/config.ts'
import type { KubernetesContext } from '../../../src/targets/kubernetes/context.ts'
import { openHelm } from '../../../src/targets/kubernetes/helm/index.ts'
import kubernetes from '../../../src/targets/kubernetes/index.ts'
import { podSchema, workloadSchema } from '../../../src/targets/kubernetes/objects/objects.ts'
import type { Target } from '../../../src/targets/target.ts'
import type { Cluster } from '../../../testkit/kubernetes/cluster.ts'
import { targetContext, testRun } from '../../../testkit/target-context.ts'

export const inTime = (): AbortSignal => AbortSignal.timeout(200_000)

/** The target's own verbs on a cluster, as some identity and in some environment. */
export async function openTarget(
  { namespace, kubeconfig }: Pick<Cluster, 'namespace' | 'kubeconfig'>,
  config: JsonObject,
  env: NodeJS.ProcessEnv = {},
  mask: Mask = createMask()
): Promise<Target> {
  return kubernetes.open(
    targetContext({
      name: 'kubernetes',
      projectDir: '/',
      config: configSchema.parse({ namespace, ...config }),
      env: { PATH: process.env.PATH, KUBECONFIG: kubeconfig, ...env },
      mask
    })
  )
}

/** What the verbs work with, for tests of one part. */
export async function openContext(
  { namespace, kubeconfig }: Pick<Cluster, 'namespace' | 'kubeconfig'>,
  config: JsonObject
): Promise<KubernetesContext> {
  const mask = createMask()
  const env = { PATH: process.env.PATH, KUBECONFIG: kubeconfig }
  const connection = await connect({}, env, mask)
  const api = openApi(connection, systemClock)
  return {
    api,
    lists: { workloads: sharedLists(api, systemClock, workloadSchema), pods: sharedLists(api, systemClock, podSchema) },
    helm: openHelm(env, connection, undefined, mask),
    config: configSchema.parse({ namespace, ...config }),
    namespace,
    kubectl: 'kubectl',
    history: [],
    clock: systemClock,
    log: () => undefined,
    mask
  }
}

export interface Planned extends PlanDraft {
  observation: Observation
  release: Release
}

/** Surveys, and plans the way to a version. */
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
