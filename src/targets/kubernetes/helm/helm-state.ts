import { RollbackError } from '../../../support/errors.ts'
import type { KubernetesContext } from '../context.ts'
import type { Workload } from '../workloads/workload.ts'
import type { HelmRevision } from './history.ts'
import { commonOwner, type HelmName, helmOwner } from './owner.ts'

/** What is seen of the release that the workloads belong to; newest revision first. */
export interface HelmState {
  of: HelmName
  newest: HelmRevision
  revisions: HelmRevision[]
}

export type HelmLook = { state: 'none' } | { state: 'seen'; helmState: HelmState } | { state: 'unusable'; why: string }

/** Looks at the one release that all workloads belong to, through the helm program. */
export async function lookAtHelm(
  { helm }: KubernetesContext,
  workloads: readonly Workload[],
  signal: AbortSignal
): Promise<HelmLook> {
  if (!workloads.some(helmOwner)) return { state: 'none' }
  const of = commonOwner(workloads)
  if (!of)
    return {
      state: 'unusable',
      why: "not all workloads of this target belong to that one release; a target of its own for each release's workloads can be rolled back"
    }
  const why = await helm.program.unusable(signal)
  if (why) return { state: 'unusable', why }
  try {
    const revisions = await helm.history.revisions(of, signal)
    const [newest] = revisions
    return newest
      ? { state: 'seen', helmState: { of, newest, revisions } }
      : { state: 'unusable', why: 'it has no history' }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof RollbackError)) throw error
    return { state: 'unusable', why: `${error.what}: ${error.why}` }
  }
}
