import type { JsonObject } from '../../../model/json.ts'
import type { Release } from '../../../model/release.ts'
import type { Step } from '../../../model/step.ts'
import type { KubernetesContext } from '../context.ts'
import type { HelmMove } from '../step-params.ts'
import type { Way } from '../workloads/plan.ts'
import { mark, podSteps } from '../workloads/plan-steps.ts'
import type { Workload } from '../workloads/read.ts'
import type { HelmState } from './helm-state.ts'
import { type HelmRevision, isPending } from './history.ts'
import { clusterRevision } from './manifest.ts'

export interface HelmPlan {
  helmState: HelmState
  candidate: HelmRevision
  workloads: readonly Workload[]
  /** Workloads whose pod template changes, to a revision that the cluster still has. */
  ways: readonly Way[]
  release: Release
  mayMark: boolean
}

/** Helm's own limit for one operation (helm rollback --timeout). */
const usualTimeoutSeconds = 300

/** A pending record first; then Helm's own rollback; then pods that a StatefulSet would wait for for ever, or that only a deletion replaces. */
export function helmSteps(cluster: KubernetesContext, plan: HelmPlan): Step[] {
  const { helmState, ways, release, mayMark } = plan
  const bySteps = ways.map((way) => ({ way, steps: podSteps(cluster, way) })).filter(({ steps }) => steps.length > 0)
  const pods = bySteps.flatMap(({ steps }) => steps)
  const marked = ways.filter(({ workload }) => workload.current).map(({ move }) => move)
  return [
    ...(isPending(helmState.newest) && cluster.helm.secrets ? [clear(cluster, helmState)] : []),
    // Helm would wait in vain for what only the next step sets free.
    rollBack(
      cluster,
      plan,
      bySteps.map(({ way }) => way.workload)
    ),
    ...pods,
    ...(mayMark && marked.length > 0 ? [mark(cluster, marked, release)] : [])
  ]
}

const clear = ({ api }: KubernetesContext, { of, newest }: HelmState): Step => ({
  id: `helm_unlock:${of.namespace}/${of.name}`,
  kind: 'helm_unlock',
  phase: 'prepare',
  title: `Recording Helm's revision ${newest.revision} of ${of.name}, ${newest.status}, as failed`,
  params: { server: api.server, release: { ...of }, revision: newest.revision },
  undo: null
})

function rollBack(
  cluster: KubernetesContext,
  { helmState, candidate, workloads, release }: HelmPlan,
  freedLater: readonly Workload[]
): Step {
  const wait = freedLater.length === 0
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
      follow: !freedLater.includes(workload)
    })),
    timeout_seconds: seconds,
    wait
  }
  return {
    id: `helm:${of.namespace}/${of.name}`,
    kind: 'helm_rollback',
    phase: 'switch',
    title: `Rolling Helm's release ${of.name} back to ${release.version} (revision ${candidate.revision})`,
    params: params as unknown as JsonObject,
    undo: `Roll the release back to what its revision ${newest.revision} has`,
    manualCommands: [helm.command(of, candidate.revision, { wait, seconds })],
    manualUndoCommands: [helm.command(of, newest.revision, { wait: false, seconds })]
  }
}
