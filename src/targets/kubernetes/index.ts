import type { JsonObject } from '../../model/json.ts'
import type { Step } from '../../model/step.ts'
import { InputError } from '../../support/errors.ts'
import type { Run, Target, TargetContext, TargetModule } from '../target.ts'
import { openApi } from './client/api.ts'
import { connect } from './client/connect.ts'
import { sharedLists } from './client/follow-list.ts'
import { configSchema, type KubernetesConfig } from './config.ts'
import type { KubernetesContext } from './context.ts'
import { openHelm } from './helm/index.ts'
import { planHelm } from './helm/plan.ts'
import { createLease } from './lease/index.ts'
import { versionPattern } from './objects/image-name.ts'
import { podSchema, workloadSchema } from './objects/objects.ts'
import { check } from './workloads/check.ts'
import { diagnose } from './workloads/diagnose.ts'
import { observeWorkloads, type Seen } from './workloads/observe.ts'
import { plan } from './workloads/plan.ts'
import { isStepKind, stepKinds } from './workloads/steps/index.ts'

/** Deployments, StatefulSets, DaemonSets and Rollouts of one cluster. */
const kubernetes: TargetModule<KubernetesConfig> = {
  configSchema,
  version: { pattern: versionPattern, says: 'an image tag such as 1.4.2, or a revision such as revision-7' },
  open
}

export default kubernetes as TargetModule

async function open(context: TargetContext<KubernetesConfig>): Promise<Target<Seen>> {
  const { config, clock, mask, log, history, env } = context
  const connection = await connect({ context: config.context ?? undefined }, env, mask)
  const api = openApi(connection, clock)
  const cluster: KubernetesContext = {
    api,
    lists: { workloads: sharedLists(api, clock, workloadSchema), pods: sharedLists(api, clock, podSchema) },
    config,
    namespace: config.namespace ?? connection.namespace,
    kubectl: config.context ? `kubectl --context ${config.context}` : 'kubectl',
    helm: openHelm(env, connection, config.context ?? undefined, mask),
    history,
    clock,
    log,
    mask
  }
  for (const name of [cluster.namespace, config.context, config.container, ...(config.workloads ?? [])])
    if (name) mask.spare(name)
  return {
    observe: (signal) => observeWorkloads(cluster, signal),
    async plan(_observation, { workloads, helm }, release, signal) {
      return helm.state === 'seen'
        ? planHelm(cluster, workloads, helm.helmState, release, signal)
        : plan(cluster, workloads, release, signal, helm.state === 'unusable' ? helm.why : undefined)
    },
    apply: async (step: Step, run: Run) => workFor(step).apply(cluster, step, run),
    revert: async (step: Step, run: Run, _recorded?: JsonObject) => workFor(step).revert(cluster, step, run),
    check: (release, look) => check(cluster, release, look),
    diagnose: (signal) => diagnose(cluster, signal),
    lease: createLease(cluster),
    close: async () => api.close()
  }
}

function workFor({ kind }: Step) {
  if (isStepKind(kind)) return stepKinds[kind]
  throw new InputError({
    what: `The step "${kind}" cannot be run`,
    why: 'this version of the program knows no such step',
    next: 'Use the version of the program that began the rollback.',
    code: 'unknown_step'
  })
}
