import type { Blocker } from '../../../model/observation.ts'
import type { PlanDraft } from '../../../model/plan.ts'
import type { Release } from '../../../model/release.ts'
import { argoBlockers, argoRights, argoRisks } from '../argo/plan.ts'
import { isRollout } from '../argo/state.ts'
import { ApiFailure, isStatus } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { Workshop } from '../context.ts'
import { gitOwners } from '../gitops/index.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Revision } from '../objects/revision.ts'
import { templateHash } from '../objects/template.ts'
import { autoscalers, disruptionBudgets, otherHands } from '../preflight/controllers.ts'
import { examineImages } from '../preflight/images.ts'
import { examineQuotas } from '../preflight/quota.ts'
import { examineReferences } from '../preflight/references.ts'
import { checkRights } from '../preflight/rights.ts'
import { manner } from '../preflight/strategy-risks.ts'
import type { Move } from '../step-params.ts'
import { deletesPods, moveOf, stepsFor } from './plan-steps.ts'
import { detailsSchema } from './releases.ts'
import { sendPatch } from './steps/put-back.ts'
import type { Workload } from './workload.ts'

/** One workload that changes, and the revision it goes back to. */
export interface Way {
  workload: Workload
  revision: Revision
  move: Move
}

const atOnce = 12

/** The steps to a release, with every precondition checked; `withoutHelm` says why Helm cannot be used. */
export async function plan(
  workshop: Workshop,
  workloads: readonly Workload[],
  release: Release,
  signal: AbortSignal,
  withoutHelm = ''
): Promise<PlanDraft> {
  const { ways, blockers } = waysTo(workloads, release)
  const moves = ways.map(({ move }) => move)
  const [rights, references, room, images, hands, git, scalers, budgets, refused] = await Promise.all([
    checkRights(workshop, moves, ways.some(deletesPods), signal, ways.flatMap(argoRights)),
    examineReferences(workshop, ways, signal),
    examineQuotas(workshop, ways, signal),
    examineImages(workshop, ways, signal),
    inParallel(ways, atOnce, ({ workload, revision }) => otherHands(workshop, workload, revision, signal, withoutHelm)),
    gitOwners(
      workshop,
      ways.map(({ workload }) => workload),
      signal
    ),
    autoscalers(workshop, workloads, signal),
    disruptionBudgets(workshop, workloads, signal),
    inParallel(ways, atOnce, (way) => dryRun(workshop, way, signal))
  ])
  const manners = ways.map(({ workload, revision }) => manner(workshop, workload, revision))
  return {
    steps: stepsFor(workshop, ways, release, rights.mayMark),
    risks: [
      ...rights.risks,
      ...references.risks,
      ...room.risks,
      ...images,
      ...hands.flatMap(({ risks }) => risks),
      ...git.risks,
      ...scalers,
      ...budgets,
      ...manners.flatMap(({ risks }) => risks),
      ...ways.flatMap(argoRisks)
    ],
    blockers: [
      ...blockers,
      ...ways.flatMap((way) => argoBlockers(workshop, way)),
      ...rights.blockers,
      ...references.blockers,
      ...room.blockers,
      ...hands.flatMap(({ blockers: theirs }) => theirs),
      ...manners.flatMap(({ blockers: theirs }) => theirs),
      ...(rights.blockers.length > 0 ? [] : refused.flat())
    ],
    fingerprint: Object.fromEntries(
      moves.map((move) => [addressText(move), { revision: move.to.revision, hash: move.to.hash }])
    ),
    notes: [...manners.flatMap(({ notes }) => notes), ...rights.notes],
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
export async function dryRun(workshop: Workshop, way: Way, signal: AbortSignal): Promise<Blocker[]> {
  const { workload, revision, move } = way
  try {
    const { template, changeCause } = revision
    const patch = { template, changeCause }
    const kept = await sendPatch(workshop, move, workload.object, patch, 'back', { signal, dryRun: true })
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
