import type { Blocker } from '../../../model/observation.ts'
import type { PlanDraft } from '../../../model/plan.ts'
import type { Release } from '../../../model/release.ts'
import { fingerprint } from '../../../support/canonical.ts'
import type { Move as Between } from '../../target.ts'
import { argoBlockers, argoRights, argoRisks } from '../argo/plan.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Workload } from '../objects/workload.ts'
import { applierRisks } from '../preflight/appliers.ts'
import { helmBlockers } from '../preflight/controllers.ts'
import { preflight } from '../preflight/index.ts'
import { examineMembers } from '../preflight/release-members.ts'
import { planRehearsal } from './plan-rehearsal.ts'
import { changeOf, stepsFor } from './plan-steps.ts'
import { revisionOf } from './releases.ts'
import { withDigests } from './same-image.ts'

/** The steps to a release, with every precondition checked; `withoutHelm` says why Helm cannot be used, if a release owns them. */
export async function planWorkloads(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  between: Between,
  signal: AbortSignal,
  withoutHelm: string
): Promise<PlanDraft> {
  const { changes: asKept, blockers } = changesTo(workloads, between.to)
  const { changes, found: same } = await withDigests(cluster, asKept, signal)
  const touched = changes.map(({ workload }) => workload)
  const [{ mayMark, ...found }, { steps, ...rehearsal }, ofHelm, members] = await Promise.all([
    preflight(cluster, { workloads, changes, touched, rights: changes.flatMap(argoRights) }, signal),
    planRehearsal(cluster, changes, between, signal),
    helmBlockers(cluster, changes, withoutHelm, signal),
    examineMembers(cluster, workloads, changes, signal)
  ])
  return {
    ...found,
    steps: [...steps, ...stepsFor(cluster, changes, between, mayMark)],
    risks: [
      ...same.risks,
      ...found.risks,
      ...rehearsal.risks,
      ...members.risks,
      ...changes.flatMap(argoRisks),
      ...changes.flatMap(applierRisks)
    ],
    blockers: [
      ...blockers,
      ...same.blockers,
      ...changes.flatMap((change) => argoBlockers(cluster, change)),
      ...ofHelm,
      ...found.blockers,
      ...rehearsal.blockers
    ],
    notes: [...found.notes, ...rehearsal.notes, ...members.notes],
    ...gapOf(changes),
    fingerprint: fingerprint(
      changes.map(({ move }) => [addressText(move), { revision: move.to.revision, hash: move.to.hash }])
    )
  }
}

/** What users notice of the switch: of a rolling update, nothing. */
function gapOf(changes: readonly WorkloadChange[]): { gap?: string } {
  const recreated = changes
    .filter(({ workload: { object } }) => object.spec.strategy?.type === 'Recreate')
    .map(({ workload: { address } }) => shortText(address))
  return recreated.length === 0
    ? {}
    : { gap: `the pods of ${recreated.join(', ')} stop before those of the old version start (Recreate)` }
}

function changesTo(
  workloads: readonly Workload[],
  release: Release
): { changes: WorkloadChange[]; blockers: Blocker[] } {
  const changes: WorkloadChange[] = []
  const blockers: Blocker[] = []
  for (const workload of workloads) {
    const { name, hash } = revisionOf(release, workload.address) ?? {}
    const revision = workload.revisions.find((one) => one.name === name && one.hash === hash)
    if (!revision) blockers.push(revisionGone(workload, release))
    else if (revision.hash !== workload.hash && revision.name !== workload.current?.name)
      changes.push(changeOf(workload, revision))
  }
  return { changes, blockers }
}

const revisionGone = ({ address }: Workload, { version }: Release): Blocker => ({
  id: `no_revision:${addressText(address)}`,
  what: `${shortText(address)} cannot go back to ${version}`,
  why: 'the cluster no longer keeps that revision (spec.revisionHistoryLimit)',
  next: 'Choose a version that every workload still has, or deploy that version again.'
})
