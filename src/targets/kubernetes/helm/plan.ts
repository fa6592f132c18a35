import type { Blocker, Risk } from '../../../model/observation.ts'
import type { PlanDraft } from '../../../model/plan.ts'
import type { Release } from '../../../model/release.ts'
import { fingerprint } from '../../../support/canonical.ts'
import { isRollout } from '../argo/state.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { gitOwners } from '../gitops/index.ts'
import { addressText, shortText } from '../objects/names.ts'
import { autoscalers, disruptionBudgets, otherHands } from '../preflight/controllers.ts'
import { examineImages } from '../preflight/images.ts'
import { examineQuotas } from '../preflight/quota.ts'
import { type Examined, examineReferences } from '../preflight/references.ts'
import { checkRights, type Right } from '../preflight/rights.ts'
import { strategyRisks } from '../preflight/strategy-risks.ts'
import { dryRun, type Way } from '../workloads/plan.ts'
import { deletesPods, moveOf } from '../workloads/plan-steps.ts'
import type { Workload } from '../workloads/read.ts'
import type { HelmState } from './helm-state.ts'
import { type HelmRevision, isPending, isRollbackHook } from './history.ts'
import { clusterRevision, findObject, type ManifestObject, objectText } from './manifest.ts'
import { helmSteps } from './plan-steps.ts'
import { helmDetailsSchema } from './releases.ts'

const atOnce = 12

/** The steps by which Helm itself goes back to a revision, with every precondition checked. */
export async function planHelm(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  helmState: HelmState,
  release: Release,
  signal: AbortSignal
): Promise<PlanDraft> {
  const wanted = helmDetailsSchema.safeParse(release.details).data?.helm
  const candidate = helmState.revisions.find(
    ({ revision, content }) => revision === wanted?.revision && content.hash === wanted.content
  )
  if (!candidate)
    return {
      steps: [],
      risks: [],
      blockers: [revisionGone(helmState, release)],
      fingerprint: fingerprint({}),
      notes: []
    }
  const ways = workloads.flatMap((workload): Way[] => {
    const revision = clusterRevision(workload, candidate.content)
    return revision && revision.hash !== workload.hash ? [{ workload, revision, move: moveOf(workload, revision) }] : []
  })
  const moves = ways.map(({ move }) => move)
  const [rights, references, room, images, hands, git, scalers, budgets, refused] = await Promise.all([
    checkRights(cluster, moves, ways.some(deletesPods), signal, recordRights(cluster, helmState)),
    examineReferences(cluster, ways, signal),
    examineQuotas(cluster, ways, signal),
    examineImages(cluster, ways, signal),
    inParallel(workloads, atOnce, (workload) => otherHands(cluster, workload, undefined, signal, '')),
    gitOwners(cluster, workloads, signal),
    autoscalers(cluster, workloads, signal),
    disruptionBudgets(cluster, workloads, signal),
    inParallel(ways, atOnce, (way) => dryRun(cluster, way, signal))
  ])
  const strategies = ways.map(({ workload, revision }) => strategyRisks(cluster, workload, revision))
  const own = withoutItsOwn(references, candidate)
  return {
    steps: helmSteps(cluster, { helmState, candidate, workloads, ways, release, mayMark: rights.mayMark }),
    risks: [
      ...pendingRisk(helmState),
      ...hookRisk(candidate),
      ...deletionRisk(helmState, candidate),
      ...rights.risks,
      ...own.risks,
      ...room.risks,
      ...images,
      ...hands.flatMap(({ risks }) => risks),
      ...git.risks,
      ...scalers,
      ...budgets,
      ...strategies.flatMap(({ risks }) => risks)
    ],
    blockers: [
      ...missing(workloads, candidate),
      ...argo(cluster, workloads, helmState, candidate),
      ...rights.blockers,
      ...own.blockers,
      ...room.blockers,
      ...strategies.flatMap(({ blockers }) => blockers),
      ...(rights.blockers.length > 0 ? [] : refused.flat())
    ],
    fingerprint: fingerprint({ helm: { revision: candidate.revision, content: candidate.content.hash } }),
    notes: [
      ...wholeRelease(helmState, candidate, workloads),
      ...(isPending(helmState.newest) && !cluster.helm.secrets
        ? [
            "Helm's records are no Secrets here, so its pending revision stays recorded as pending; the rollback ends that state all the same."
          ]
        : []),
      ...strategies.flatMap(({ notes }) => notes),
      ...rights.notes
    ],
    ...(git.soakMs && { soakMs: git.soakMs })
  }
}

const revisionGone = ({ of }: HelmState, { version }: Release): Blocker => ({
  id: `no_revision:helm/${of.namespace}/${of.name}`,
  what: `Helm's release ${of.name} cannot go back to ${version}`,
  why: 'Helm no longer keeps that revision (its --history-max)',
  next: 'Choose a version that is still kept, or deploy that version anew.'
})

/** Helm reads all records, writes a new one, and changes the status of the old. */
const recordRights = ({ helm }: KubernetesContext, { of, newest }: HelmState): Right[] =>
  helm.secrets
    ? ['get', 'list', 'create', 'update', ...(isPending(newest) ? ['patch'] : [])].map((verb) => ({
        namespace: of.namespace,
        group: '',
        resource: 'secrets',
        verb
      }))
    : []

/** What the revision has itself comes back with it. */
function withoutItsOwn({ risks, blockers }: Examined, { content }: HelmRevision): Examined {
  const own = new Set(content.objects.map(({ kind, namespace, name }) => `${kind.toLowerCase()}s/${namespace}/${name}`))
  const isOther = ({ id }: { id: string }): boolean => !own.has(id.slice(id.indexOf(':') + 1))
  return { risks: risks.filter(isOther), blockers: blockers.filter(isOther) }
}

const pendingRisk = ({ of, newest }: HelmState): Risk[] =>
  isPending(newest)
    ? [
        {
          id: `helm_pending:${of.name}@${newest.revision}`,
          serious: true,
          title: `Helm's revision ${newest.revision} of ${of.name} is ${newest.status}`,
          detail: `It was begun at ${newest.updated} and has not ended. Whether a helm program still works on it cannot be seen: make sure that none does, in CI for one. Then it is safe to clear.`
        }
      ]
    : []

function hookRisk({ revision, content }: HelmRevision): Risk[] {
  const hooks = content.hooks.filter(isRollbackHook)
  if (hooks.length === 0) return []
  return [
    {
      id: `helm_hooks:${revision}`,
      serious: true,
      title: `Helm runs the rollback hooks of revision ${revision}`,
      detail: `${hooks
        .slice(0, 5)
        .map(({ name, events }) => `${name} (${events.join(', ')})`)
        .join('; ')}: as that revision has them, not as the present one does.`
    }
  ]
}

const isSame = (a: ManifestObject) => (b: ManifestObject) =>
  a.kind === b.kind && a.namespace === b.namespace && a.name === b.name

const someOf = (objects: readonly ManifestObject[]): string => {
  const names = objects.slice(0, 10).map(objectText).join(', ')
  return objects.length > 10 ? `${names} and ${objects.length - 10} more` : names
}

function deletionRisk({ newest }: HelmState, { revision, content }: HelmRevision): Risk[] {
  const gone = newest.content.objects.filter((object) => !object.kept && !content.objects.some(isSame(object)))
  return gone.length === 0
    ? []
    : [
        {
          id: `helm_deletes:${newest.revision}-${revision}`,
          serious: true,
          title: `Helm deletes what revision ${newest.revision} has and revision ${revision} has not`,
          detail: `${someOf(gone)}. Data in them is lost; undoing makes them anew, empty.`
        }
      ]
}

const missing = (workloads: readonly Workload[], { revision, content }: HelmRevision): Blocker[] =>
  workloads
    .filter(({ address }) => !findObject(content.objects, address)?.template)
    .map(({ address }) => ({
      id: `helm_without:${addressText(address)}`,
      what: `Helm's revision ${revision} does not have ${shortText(address)}`,
      why: 'Helm would delete it, and then nothing could be proven of it',
      next: 'Choose another version, or take that workload out of deploy.json first.'
    }))

/** Helm does not wait for a Rollout, and the steps of its strategy would have to be gone through. */
const argo = (
  { helm }: KubernetesContext,
  workloads: readonly Workload[],
  { of }: HelmState,
  { revision }: HelmRevision
): Blocker[] =>
  workloads
    .filter(({ object }) => isRollout(object))
    .map(({ address }) => ({
      id: `helm_rollout:${addressText(address)}`,
      what: `${shortText(address)} of Helm's release ${of.name} is a Rollout`,
      why: 'this program does not roll back what both Helm and Argo Rollouts look after',
      next: `Run "${helm.command(of, revision)}", then "kubectl argo rollouts promote ${address.name} --full -n ${address.namespace}".`
    }))

/** A release goes back as a whole, so what else changes is said. */
function wholeRelease({ of, newest }: HelmState, { content }: HelmRevision, workloads: readonly Workload[]): string[] {
  const others = content.objects.filter((object) => {
    const before = newest.content.objects.find(isSame(object))
    const isOurs = workloads.some(({ address }) => findObject([object], address))
    return !isOurs && before?.hash !== object.hash
  })
  return others.length === 0 ? [] : [`The whole release ${of.name} goes back with it: ${someOf(others)} change, too.`]
}
