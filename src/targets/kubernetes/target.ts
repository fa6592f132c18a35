import type { Target, TargetContext } from '../target.ts'
import { withProbe } from '../with-probe.ts'
import { openApi } from './client/api.ts'
import { connect } from './client/connect.ts'
import { sharedLists } from './client/follow-list.ts'
import type { KubernetesConfig } from './config.ts'
import type { KubernetesContext } from './context.ts'
import { openHelm } from './helm/index.ts'
import { planHelm, planWithoutHelm } from './helm/plan.ts'
import { createLease } from './lease/index.ts'
import { podSchema, workloadSchema } from './objects/objects.ts'
import { namingRights } from './preflight/missing-rights.ts'
import { reread, steps } from './steps.ts'
import { askProbe, check } from './workloads/check.ts'
import { diagnose } from './workloads/diagnose.ts'
import { type ClusterState, observe } from './workloads/observe.ts'
import { planWorkloads } from './workloads/plan.ts'
import { remember } from './workloads/remember.ts'

/** Connects what a target is given with the cluster that its configuration names. */
export async function openContext(context: TargetContext<KubernetesConfig>): Promise<KubernetesContext> {
  const { config, history, clock, mask, log, env } = context
  const name = config.context ?? undefined
  const connection = await connect({ context: name }, env, mask)
  const api = openApi(connection, clock)
  return {
    api,
    lists: { workloads: sharedLists(api, clock, workloadSchema), pods: sharedLists(api, clock, podSchema) },
    config,
    history,
    namespace: config.namespace ?? connection.namespace,
    kubectl: name ? `kubectl --context ${name}` : 'kubectl',
    helm: openHelm(env, connection, name, mask),
    env,
    clock,
    log,
    mask
  }
}

/** The verbs of the target. */
export async function openTarget(context: TargetContext<KubernetesConfig>): Promise<Target<ClusterState>> {
  const cluster = await openContext(context)
  const { config, namespace, mask, api } = cluster
  for (const name of [namespace, config.context, config.container, ...(config.workloads ?? [])])
    if (name) mask.spare(name)
  return {
    observe: (signal) =>
      withProbe(
        observe(cluster, signal).catch(async (error: unknown) => {
          throw await namingRights(cluster, error, signal)
        }),
        { clock: cluster.clock, signal, ask: askProbe(cluster, signal) }
      ),
    async plan({ current }, { workloads, helm }, to, signal) {
      const between = { from: current, to }
      if (helm.state === 'unusable') return planWithoutHelm(cluster, workloads, between, helm.why, signal)
      if (helm.state !== 'readable') return planWorkloads(cluster, workloads, between, signal, '')
      return planHelm(cluster, workloads, helm.helmState, between, signal)
    },
    reread: (all, known) => reread(cluster, all, known),
    apply: (step, run) => steps.apply(cluster, step, run),
    revert: (step, run) => steps.revert(cluster, step, run),
    check: (release, look) => check(cluster, release, look),
    diagnose: (signal) => diagnose(cluster, signal),
    remember: (signal) => remember(cluster, signal),
    lease: createLease(cluster),
    close: async () => api.close()
  }
}
