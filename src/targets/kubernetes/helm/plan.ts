import type { Blocker, Risk } from '../../../model/observation.ts'
import { noPlan, type PlanDraft } from '../../../model/plan.ts'
import type { Release } from '../../../model/release.ts'
import { fingerprint } from '../../../support/canonical.ts'
import type { Move as Between } from '../../target.ts'
import { isRollout } from '../argo/state.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Workload } from '../objects/workload.ts'
import { findAutoscalers } from '../preflight/controllers.ts'
import { preflight } from '../preflight/index.ts'
import { examineMembers } from '../preflight/release-members.ts'
import type { Right } from '../preflight/right.ts'
import { deniedOf, missingRight } from '../preflight/rights.ts'
import { planWorkloads } from '../workloads/plan.ts'
import { changeOf } from '../workloads/plan-steps.ts'
import { withDigests } from '../workloads/same-image.ts'
import { objectRights, readServed, tryObjects } from './dry-run.ts'
import { type HelmState, runsNewest } from './helm-state.ts'
import { type HelmRevision, isPending, isRollbackHook } from './history.ts'
import { clusterRevision, findObject, isSame, type ManifestObject, objectText } from './manifest.ts'
import { helmOwner } from './owner.ts'
import { planHelmRehearsal } from './plan-rehearsal.ts'
import { helmSteps } from './plan-steps.ts'
import { helmDetailsSchema } from './releases.ts'
import { replicaRisks } from './replicas.ts'

/** The steps by which Helm itself goes back to a revision, with every precondition checked. */
export async function planHelm(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  helmState: HelmState,
  between: Between,
  signal: AbortSignal
): Promise<PlanDraft> {
  const release = between.to
  const wanted = helmDetailsSchema.safeParse(release.details).data?.helm
  const candidate = helmState.revisions.find(
    ({ revision, content }) => revision === wanted?.revision && content.hash === wanted.content
  )
  if (!candidate) return noPlan(revisionGone(helmState, release))
  const { newest } = helmState
  const isNewest = candidate.content.hash === newest.content.hash
  if (
    isNewest &&
    newest.status === 'deployed' &&
    workloads.every((workload) => clusterRevision(workload, candidate.content))
  ) {
    const plan = await planWorkloads(cluster, workloads, between, signal, '')
    const note = `Helm's revision ${newest.revision} stays deployed: only the pod templates that something else changed go back.`
    return { ...plan, notes: [note, ...plan.notes] }
  }
  const changes = workloads.flatMap((workload): WorkloadChange[] => {
    const revision = clusterRevision(workload, candidate.content)
    return revision && revision.hash !== workload.hash ? [changeOf(workload, revision)] : []
  })
  const served = await readServed(cluster, [...newest.content.objects, ...candidate.content.objects], signal)
  const rights = [...recordRights(cluster, helmState), ...objectRights(served, newest, candidate)]
  const others = otherChanges(newest, candidate, workloads)
  const [{ mayMark, ...found }, autoscalers, tried, { found: same }, rehearsal, members] = await Promise.all([
    preflight(cluster, { workloads, changes, touched: workloads, rights }, signal),
    findAutoscalers(cluster, workloads, signal),
    tryObjects(cluster, served, helmState, candidate, signal),
    withDigests(cluster, changes, signal, { pins: false, isAlone: others.length === 0 }),
    planHelmRehearsal(cluster, { workloads, candidate, changes, others }, between, signal),
    examineMembers(cluster, workloads, changes, signal, isIn([...newest.content.objects, ...candidate.content.objects]))
  ])
  const restored = isRestoredBy(candidate)
  const replicas = replicaRisks(cluster, workloads, autoscalers, { from: helmState.newest, to: candidate })
  return {
    ...found,
    steps: [
      ...rehearsal.steps,
      ...helmSteps(cluster, { helmState, candidate, workloads, changes, between, mayMark, autoscalers })
    ],
    risks: [
      ...pendingRisk(helmState),
      ...hookRisk(candidate),
      ...deletionRisk(helmState, candidate),
      ...(runsNewest(helmState, workloads) ? [] : [driftRisk(helmState)]),
      ...replicas,
      ...tried.risks,
      ...same.risks,
      ...rehearsal.risks,
      ...members.risks,
      ...found.risks.filter((risk) => !restored(risk) && !replicas.some(({ id }) => id === risk.id))
    ],
    blockers: [
      ...missing(workloads, candidate),
      ...rollouts(cluster, workloads, helmState, candidate),
      ...found.blockers.filter((blocker) => !restored(blocker)),
      ...tried.blockers,
      ...same.blockers,
      ...rehearsal.blockers
    ],
    fingerprint: fingerprint({ helm: { revision: candidate.revision, content: candidate.content.hash } }),
    notes: [
      ...(others.length > 0
        ? [`The whole release ${helmState.of.name} goes back: ${someOf(others)} change, too.`]
        : []),
      ...(isPending(helmState.newest) && !cluster.helm.secrets
        ? [
            "Helm's records are not Secrets here, so its pending revision stays recorded as pending. The rollback ends that state as well."
          ]
        : []),
      ...found.notes,
      ...tried.notes,
      ...same.notes,
      ...rehearsal.notes,
      ...members.notes
    ]
  }
}

/** Refused, with what stops Helm; and with every right that it would lack besides. */
export async function planWithoutHelm(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  between: Between,
  why: string,
  signal: AbortSignal
): Promise<PlanDraft> {
  const owners = cluster.helm.secrets ? workloads.flatMap((workload) => helmOwner(workload) ?? []) : []
  const [plan, denied] = await Promise.all([
    planWorkloads(cluster, workloads, between, signal, why),
    deniedOf(
      cluster,
      owners.flatMap(({ namespace }) => secretRights(namespace, recordVerbs)),
      signal
    )
  ])
  return { ...plan, blockers: [...plan.blockers, ...denied.map((right) => missingRight(cluster, right))] }
}

const revisionGone = ({ of }: HelmState, { version }: Release): Blocker => ({
  id: `no_revision:helm/${of.namespace}/${of.name}`,
  what: `The Helm release ${of.name} cannot go back to ${version}`,
  why: 'Helm no longer keeps that revision (its --history-max)',
  next: 'Choose a version that Helm still keeps, or deploy that version again.'
})

/** Helm reads all records, writes a new one, and changes the status of the old. */
const recordVerbs = ['get', 'list', 'create', 'update']

const secretRights = (namespace: string, verbs: readonly string[]): Right[] =>
  verbs.map((verb) => ({ namespace, group: '', resource: 'secrets', verb }))

const recordRights = ({ helm }: KubernetesContext, { of, newest }: HelmState): Right[] =>
  helm.secrets ? secretRights(of.namespace, [...recordVerbs, ...(isPending(newest) ? ['patch'] : [])]) : []

/** Whether a finding is about an object that the revision itself restores. */
function isRestoredBy({ content }: HelmRevision): (finding: { id: string }) => boolean {
  const own = new Set(content.objects.map(({ kind, namespace, name }) => `${kind.toLowerCase()}s/${namespace}/${name}`))
  return ({ id }) => own.has(id.slice(id.indexOf(':') + 1))
}

const pendingRisk = ({ of, newest }: HelmState): Risk[] =>
  isPending(newest)
    ? [
        {
          id: `helm_pending:${of.name}@${newest.revision}`,
          serious: true,
          title: `Helm's revision ${newest.revision} of ${of.name} is ${newest.status}`,
          detail: `It started at ${newest.updated} and has not finished. A helm program may still be working on it: make sure that none is, in CI for example. Then it is safe to clear.`
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
        .join('; ')}: as that revision has them, not as the present one has them.`
    }
  ]
}

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
          title: `Helm deletes what revision ${newest.revision} has and revision ${revision} does not have`,
          detail: `${someOf(gone)}. Data in them is lost; undoing creates them again, empty.`
        }
      ]
}

const driftRisk = ({ newest }: HelmState): Risk => ({
  id: `helm_drift:${newest.revision}`,
  serious: false,
  title: `What runs is not what Helm's newest revision ${newest.revision} describes`,
  detail: `Undoing goes to revision ${newest.revision}, not to what runs now.`
})

const missing = (workloads: readonly Workload[], { revision, content }: HelmRevision): Blocker[] =>
  workloads
    .filter(({ address }) => !findObject(content.objects, address)?.template)
    .map(({ address }) => ({
      id: `helm_without:${addressText(address)}`,
      what: `Helm's revision ${revision} does not contain ${shortText(address)}`,
      why: 'Helm would delete it, and its health could not be checked',
      next: 'Choose another version, or remove that workload from deploy.json first.'
    }))

/** Helm does not wait for a Rollout, and the steps of its strategy would have to pass first. */
const rollouts = (
  { helm }: KubernetesContext,
  workloads: readonly Workload[],
  { of }: HelmState,
  { revision }: HelmRevision
): Blocker[] =>
  workloads
    .filter(({ object }) => isRollout(object))
    .map(({ address }) => ({
      id: `helm_rollout:${addressText(address)}`,
      what: `${shortText(address)} of the Helm release ${of.name} is a Rollout`,
      why: 'this program does not roll back what both Helm and Argo Rollouts manage',
      next: `Run "${helm.command(of, revision)}", then "kubectl argo rollouts promote ${address.name} --full -n ${address.namespace}".`
    }))

/** A release goes back as a whole: what else of it is another object, or is there only then. */
function otherChanges(
  { content: newest }: HelmRevision,
  { content }: HelmRevision,
  workloads: readonly Workload[]
): ManifestObject[] {
  return content.objects.filter((object) => {
    const before = newest.objects.find(isSame(object))
    const isOurs = workloads.some(({ address }) => findObject([object], address))
    return !isOurs && before?.hash !== object.hash
  })
}

/** Whether an object of the cluster is one of a manifest. */
const isIn =
  (objects: readonly ManifestObject[]) =>
  ({ kind, metadata }: { kind: string; metadata: { name: string; namespace?: string | undefined } }): boolean =>
    objects.some(
      (one) =>
        one.kind.toLowerCase() === kind && one.name === metadata.name && one.namespace === (metadata.namespace ?? '')
    )
