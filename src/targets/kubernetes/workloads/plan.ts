import type { Blocker } from '../../../model/observation.ts'
import type { PlanDraft } from '../../../model/plan.ts'
import type { Release } from '../../../model/release.ts'
import { fingerprint } from '../../../support/canonical.ts'
import { argoBlockers, argoRights, argoRisks } from '../argo/plan.ts'
import { isRollout } from '../argo/state.ts'
import { ApiFailure, isStatus } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { gitOwners } from '../gitops/index.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Revision } from '../objects/revision.ts'
import { templateHash } from '../objects/template.ts'
import { autoscalers, disruptionBudgets, otherHands } from '../preflight/controllers.ts'
import { examineImages } from '../preflight/images.ts'
import { examineQuotas } from '../preflight/quota.ts'
import { examineReferences } from '../preflight/references.ts'
import { checkRights } from '../preflight/rights.ts'
import { strategyRisks } from '../preflight/strategy-risks.ts'
import type { Move } from '../step-params.ts'
import { deletesPods, moveOf, stepsFor } from './plan-steps.ts'
import type { Workload } from './read.ts'
import { detailsSchema } from './releases.ts'
import { sendPatch } from './steps/put-template.ts'

/** One workload that changes, and the revision it goes back to. */
export interface Way {
  workload: Workload
  revision: Revision
  move: Move
}

const atOnce = 12

/** The steps to a release, with every precondition checked; `withoutHelm` says why Helm cannot be used. */
export async function plan(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  release: Release,
  signal: AbortSignal,
  withoutHelm = ''
): Promise<PlanDraft> {
  const { ways, blockers } = waysTo(workloads, release)
  const moves = ways.map(({ move }) => move)
  const [rights, references, room, images, hands, git, scalers, budgets, refused] = await Promise.all([
    checkRights(cluster, moves, ways.some(deletesPods), signal, ways.flatMap(argoRights)),
    examineReferences(cluster, ways, signal),
    examineQuotas(cluster, ways, signal),
    examineImages(cluster, ways, signal),
    inParallel(ways, atOnce, ({ workload, revision }) => otherHands(cluster, workload, revision, signal, withoutHelm)),
    gitOwners(
      cluster,
      ways.map(({ workload }) => workload),
      signal
    ),
    autoscalers(cluster, workloads, signal),
    disruptionBudgets(cluster, workloads, signal),
    inParallel(ways, atOnce, (way) => dryRun(cluster, way, signal))
  ])
  const strategies = ways.map(({ workload, revision }) => strategyRisks(cluster, workload, revision))
  return {
    steps: stepsFor(cluster, ways, release, rights.mayMark),
    risks: [
      ...rights.risks,
      ...references.risks,
      ...room.risks,
      ...images,
      ...hands.flatMap(({ risks }) => risks),
      ...git.risks,
      ...scalers,
      ...budgets,
      ...strategies.flatMap(({ risks }) => risks),
      ...ways.flatMap(argoRisks)
    ],
    blockers: [
      ...blockers,
      ...ways.flatMap((way) => argoBlockers(cluster, way)),
      ...rights.blockers,
      ...references.blockers,
      ...room.blockers,
      ...hands.flatMap(({ blockers: theirs }) => theirs),
      ...strategies.flatMap(({ blockers: theirs }) => theirs),
      ...(rights.blockers.length > 0 ? [] : refused.flat())
    ],
    fingerprint: fingerprint(
      moves.map((move) => [addressText(move), { revision: move.to.revision, hash: move.to.hash }])
    ),
    notes: [...strategies.flatMap(({ notes }) => notes), ...rights.notes],
    ...(git.soakMs && { soakMs: git.soakMs })
  }
}

function waysTo(workloads: readonly Workload[], release: Release): { ways: Way[]; blockers: Blocker[] } {
  const details = detailsSchema.safeParse(release.details ?? {})
  const ways: Way[] = []
  const blockers: Blocker[] = []
  for (const workload of workloads) {
    const wanted = details.success ? details.data.revisions[addressText(workload.address)] : undefined
    const revision = workload.revisions.find(({ name, hash }) => name === wanted?.name && hash === wanted.hash)
    if (!revision) blockers.push(revisionGone(workload, release))
    else if (revision.hash !== workload.hash && revision.name !== workload.current?.name)
      ways.push({ workload, revision, move: moveOf(workload, revision) })
  }
  return { ways, blockers }
}

const revisionGone = ({ address }: Workload, { version }: Release): Blocker => ({
  id: `no_revision:${addressText(address)}`,
  what: `${shortText(address)} cannot go back to ${version}`,
  why: 'the cluster keeps no such revision of it (spec.revisionHistoryLimit)',
  next: 'Choose a version that every workload still has, or deploy that version anew.'
})

/** Meets admission, quotas of the object itself and validation without changing anything. */
export async function dryRun(cluster: KubernetesContext, way: Way, signal: AbortSignal): Promise<Blocker[]> {
  const { workload, revision, move } = way
  try {
    const { template, changeCause } = revision
    const patch = { template, changeCause }
    const kept = await sendPatch(cluster, move, workload.object, patch, 'back', { signal, dryRun: true })
    return isRollout(workload.object) || templateHash(kept.spec.template) === move.to.hash ? [] : [altered(way)]
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error
    if (isStatus(error, 403) && /^User /.test(error.why)) return []
    // A status update in between is no refusal, and a webhook that cannot do dry runs says nothing of the change.
    if (isStatus(error, 409) || (isStatus(error, 400) && /dry ?run/i.test(error.why))) return []
    return [
      {
        id: `refused:${addressText(move)}`,
        what: `The cluster ${error.retryable ? 'could not try' : 'refuses'} to change ${shortText(move)} (dry run)`,
        why: error.why,
        next: error.retryable ? error.next : 'Correct what is named, or choose another version.'
      }
    ]
  }
}

/** What is stored would be no version that ever served, and could not be told from somebody else's change. */
const altered = ({ move, revision }: Way): Blocker => ({
  id: `altered:${addressText(move)}`,
  what: `The cluster would not keep the template of ${shortText(move)} as revision ${revision.number} has it (dry run)`,
  why: 'an admission webhook changes it, or the server was upgraded since and adds new defaults',
  next: 'Let the webhook leave it as it is, or deploy that version anew.'
})
