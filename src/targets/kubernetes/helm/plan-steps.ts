import type { Release } from '../../../model/release.ts'
import type { Step } from '../../../model/step.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import type { Workload } from '../objects/workload.ts'
import { markStep, podSteps } from '../workloads/plan-steps.ts'
import type { HelmState } from './helm-state.ts'
import { type HelmRevision, isPending } from './history.ts'
import { clusterRevision } from './manifest.ts'
import type { HelmMove } from './rollback-step.ts'
import type { UnlockParams } from './unlock-step.ts'

interface HelmPlan {
  helmState: HelmState
  candidate: HelmRevision
  workloads: readonly Workload[]
  /** Workloads whose pod template changes, to a revision that the cluster still has. */
  changes: readonly WorkloadChange[]
  release: Release
  mayMark: boolean
}

/** Helm's own limit for one operation (helm rollback --timeout). */
const usualTimeoutSeconds = 300

/** A pending record first; then Helm's own rollback; then pods that a StatefulSet would wait for forever, or that only a deletion replaces. */
export function helmSteps(cluster: KubernetesContext, plan: HelmPlan): Step[] {
  const { helmState, changes, release, mayMark } = plan
  const bySteps = changes
    .map((change) => ({ change, steps: podSteps(cluster, change) }))
    .filter(({ steps }) => steps.length > 0)
  const pods = bySteps.flatMap(({ steps }) => steps)
  const marked = changes.filter(({ workload }) => workload.current).map(({ move }) => move)
  return [
    ...(isPending(helmState.newest) && cluster.helm.secrets ? [failPending(cluster, helmState)] : []),
    // Helm would wait until its time is up for what only the next step unblocks.
    rollBack(
      cluster,
      plan,
      bySteps.map(({ change }) => change.workload)
    ),
    ...pods,
    ...(mayMark && marked.length > 0 ? [markStep(cluster, marked, release)] : [])
  ]
}

const failPending = ({ api }: KubernetesContext, { of, newest }: HelmState): Step => ({
  id: `helm_unlock:${of.namespace}/${of.name}`,
  kind: 'helm_unlock',
  phase: 'prepare',
  title: `Recording Helm's revision ${newest.revision} of ${of.name}, ${newest.status}, as failed`,
  params: { server: api.server, release: { ...of }, revision: newest.revision } satisfies UnlockParams,
  undo: null
})

function rollBack(
  cluster: KubernetesContext,
  { helmState, candidate, workloads, release }: HelmPlan,
  unblockedLater: readonly Workload[]
): Step {
  const wait = unblockedLater.length === 0
  const { of, newest } = helmState
  const { api, config, helm } = cluster
  const seconds = Math.ceil(config.deadline_seconds ?? usualTimeoutSeconds)
  const params: HelmMove = {
    server: api.server,
    release: { ...of },
    from: { revision: newest.revision, content: newest.content.hash },
    to: { revision: candidate.revision, content: candidate.content.hash },
    workloads: workloads.map((workload) => ({
      ...workload.address,
      revision: clusterRevision(workload, candidate.content)?.name ?? '',
      follow: !unblockedLater.includes(workload)
    })),
    timeout_seconds: seconds,
    wait
  }
  return {
    id: `helm:${of.namespace}/${of.name}`,
    kind: 'helm_rollback',
    phase: 'switch',
    title: `Rolling the Helm release ${of.name} back to ${release.version} (revision ${candidate.revision})`,
    params,
    undo: `Roll the release back to revision ${newest.revision}`,
    manualCommands: [helm.command(of, candidate.revision, { wait, seconds })],
    manualUndoCommands: [helm.command(of, newest.revision, { wait: false, seconds })]
  }
}
