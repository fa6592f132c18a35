import type { Step } from '../../../model/step.ts'
import type { Move as Between } from '../../target.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import type { Workload } from '../objects/workload.ts'
import type { Autoscaler } from '../preflight/controllers.ts'
import { markSteps, podSteps } from '../workloads/plan-steps.ts'
import type { HelmState } from './helm-state.ts'
import { type HelmRevision, isPending } from './history.ts'
import { clusterRevision } from './manifest.ts'
import { isScaled } from './replicas.ts'
import { rollBackRelease } from './rollback-step.ts'
import { failPending } from './unlock-step.ts'

interface HelmPlan {
  helmState: HelmState
  candidate: HelmRevision
  workloads: readonly Workload[]
  /** Workloads whose pod template changes, to a revision that the cluster still has. */
  changes: readonly WorkloadChange[]
  between: Between
  mayMark: boolean
  autoscalers: readonly Autoscaler[]
}

const sideOf = ({ revision, content }: HelmRevision) => ({ revision, content: content.hash })

/** A pending record first; then Helm's own rollback; then pods that a StatefulSet would wait for forever, or that only a deletion replaces. */
export function helmSteps(cluster: KubernetesContext, plan: HelmPlan): Step[] {
  const { helmState, candidate, changes, between, mayMark, autoscalers } = plan
  const { server } = cluster.api
  const release = { ...helmState.of }
  const { newest } = helmState
  const bySteps = changes
    .map((change) => ({ change, steps: podSteps(cluster, change, between) }))
    .filter(({ steps }) => steps.length > 0)
  // Helm would wait until its time is up for what only the next step unblocks.
  const unblockedLater = bySteps.map(({ change }) => change.workload)
  const workloads = plan.workloads.map((workload) => ({
    ...workload.address,
    revision: clusterRevision(workload, candidate.content)?.name ?? '',
    follow: !unblockedLater.includes(workload),
    scaled: isScaled(workload.address, autoscalers, newest.content, candidate.content)
  }))
  const wait = unblockedLater.length === 0
  const sides = { from: sideOf(newest), to: sideOf(candidate) }
  return [
    ...(isPending(newest) && cluster.helm.secrets
      ? [failPending.plan(cluster, { server, release, revision: newest.revision }, between)]
      : []),
    rollBackRelease.plan(cluster, { server, release, ...sides, workloads, wait }, between),
    ...bySteps.flatMap(({ steps }) => steps),
    ...markSteps(cluster, changes, between, mayMark)
  ]
}
