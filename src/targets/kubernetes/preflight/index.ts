import type { KubernetesContext } from '../context.ts'
import { gitOwners } from '../gitops/index.ts'
import type { WorkloadChange } from '../objects/move.ts'
import type { Workload } from '../objects/workload.ts'
import { deletesPods } from '../workloads/plan-steps.ts'
import { autoscalers, disruptionBudgets, ownerRisks } from './controllers.ts'
import { type Findings, joined } from './findings.ts'
import { examineImages } from './images.ts'
import { examineRoom } from './node-room.ts'
import { readNodes } from './nodes.ts'
import { dryRunFindings, tryPods } from './pod-dry-run.ts'
import { examinePullSecrets } from './pull-secrets.ts'
import { examineQuotas } from './quota.ts'
import { examineReferences } from './references.ts'
import type { Right } from './right.ts'
import { checkRights } from './rights.ts'
import { examineScheduling } from './scheduling.ts'
import { strategyRisks } from './strategy-risks.ts'
import { tryChanges } from './template-dry-run.ts'
import { examineTraffic } from './traffic.ts'

interface Preflight extends Findings {
  /** Whether the failed revisions may be marked. */
  mayMark: boolean
  /** The least soak that proves anything. */
  soakMs?: number
}

interface Subject {
  /** Every workload of the target. */
  workloads: readonly Workload[]
  /** Those whose template changes. */
  changes: readonly WorkloadChange[]
  /** Those that others may own and change back. */
  touched: readonly Workload[]
  /** Rights that the steps need beyond those of the changes. */
  rights: readonly Right[]
}

/** Checks every precondition that plans with and without Helm share. Changes nothing. */
export async function preflight(
  cluster: KubernetesContext,
  { workloads, changes, touched, rights: more }: Subject,
  signal: AbortSignal
): Promise<Preflight> {
  const moves = changes.map(({ move }) => move)
  const dryRuns = tryPods(cluster, changes, signal)
  const reading = changes.length > 0 ? readNodes(cluster, signal) : Promise.resolve([])
  const [tried, rights, references, traffic, quotas, room, places, images, logins, git, scalers, budgets, refused] =
    await Promise.all([
      dryRuns,
      checkRights(cluster, moves, changes.some(deletesPods), signal, more),
      examineReferences(cluster, changes, signal),
      examineTraffic(cluster, changes, signal),
      examineQuotas(cluster, changes, dryRuns, signal),
      examineRoom(cluster, changes, { reading, dryRuns }, signal),
      examineScheduling(cluster, changes, { reading, dryRuns }, signal),
      examineImages(cluster, changes, reading, signal),
      examinePullSecrets(cluster, changes, signal),
      gitOwners(cluster, touched, signal),
      autoscalers(cluster, workloads, signal),
      disruptionBudgets(cluster, workloads, signal),
      tryChanges(cluster, changes, signal)
    ])
  return {
    ...joined([
      { risks: rights.risks, blockers: rights.blockers },
      references,
      ...[...tried].map(([change, dryRun]) => dryRunFindings(change, dryRun)),
      places,
      traffic,
      quotas,
      room,
      { risks: [...images, ...logins, ...ownerRisks(touched), ...git.risks, ...scalers, ...budgets] },
      ...changes.map(({ workload, revision }) => strategyRisks(cluster, workload, revision)),
      { blockers: rights.blockers.length > 0 ? [] : refused, notes: rights.notes }
    ]),
    mayMark: rights.mayMark,
    ...(git.soakMs && { soakMs: git.soakMs })
  }
}
