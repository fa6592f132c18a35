import type { JsonObject } from '../../../model/json.ts'
import type { Release } from '../../../model/release.ts'
import type { Step } from '../../../model/step.ts'
import type { Workshop } from '../context.ts'
import type { HelmMove } from '../step-params.ts'
import type { Way } from '../workloads/plan.ts'
import { mark, podSteps } from '../workloads/plan-steps.ts'
import type { Workload } from '../workloads/workload.ts'
import type { HelmSight } from './helm-state.ts'
import { type HelmRevision, isPending } from './history.ts'
import { clusterRevision } from './matching.ts'

export interface HelmPlan {
  sight: HelmSight
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
export function helmSteps(workshop: Workshop, plan: HelmPlan): Step[] {
  const { sight, ways, release, mayMark } = plan
  const bySteps = ways.map((way) => ({ way, steps: podSteps(workshop, way) })).filter(({ steps }) => steps.length > 0)
  const pods = bySteps.flatMap(({ steps }) => steps)
  const marked = ways.filter(({ workload }) => workload.current).map(({ move }) => move)
  return [
    ...(isPending(sight.newest) && workshop.helm.secrets ? [clear(workshop, sight)] : []),
    // Helm would wait in vain for what only the next step sets free.
    rollBack(
      workshop,
      plan,
      bySteps.map(({ way }) => way.workload)
    ),
    ...pods,
    ...(mayMark && marked.length > 0 ? [mark(workshop, marked, release)] : [])
  ]
}

const clear = ({ api }: Workshop, { of, newest }: HelmSight): Step => ({
  id: `helm_unlock:${of.namespace}/${of.name}`,
  kind: 'helm_unlock',
  phase: 'prepare',
  title: `Recording Helm's revision ${newest.revision} of ${of.name}, ${newest.status}, as failed`,
  params: { server: api.server, release: { ...of }, revision: newest.revision },
  undo: null
})

function rollBack(
  workshop: Workshop,
  { sight, candidate, workloads, release }: HelmPlan,
  freedLater: readonly Workload[]
): Step {
  const wait = freedLater.length === 0
  const { of, newest } = sight
  const { api, config, helm } = workshop
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
    phase: 'cure',
    title: `Rolling Helm's release ${of.name} back to ${release.version} (revision ${candidate.revision})`,
    params: params as unknown as JsonObject,
    undo: `Roll the release back to what its revision ${newest.revision} has`,
    byHand: [helm.command(of, candidate.revision, { wait, seconds })],
    undoByHand: [helm.command(of, newest.revision, { wait: false, seconds })]
  }
}
