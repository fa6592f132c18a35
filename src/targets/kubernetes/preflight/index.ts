import type { KubernetesContext } from '../context.ts'
import { gitOwners } from '../gitops/index.ts'
import type { WorkloadChange } from '../objects/move.ts'
import type { Workload } from '../objects/workload.ts'
import { deletesPods } from '../workloads/plan-steps.ts'
import { autoscalers, disruptionBudgets, ownerRisks } from './controllers.ts'
import { type Findings, joined } from './findings.ts'
import { examineImages } from './images.ts'
import { examinePullSecrets } from './pull-secrets.ts'
import { examineQuotas } from './quota.ts'
import { examineReferences } from './references.ts'
import { checkRights, type Right } from './rights.ts'
import { strategyRisks } from './strategy-risks.ts'
import { tryChanges } from './template-dry-run.ts'

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
  const [rights, references, room, images, logins, git, scalers, budgets, refused] = await Promise.all([
    checkRights(cluster, moves, changes.some(deletesPods), signal, more),
    examineReferences(cluster, changes, signal),
    examineQuotas(cluster, changes, signal),
    examineImages(cluster, changes, signal),
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
      room,
      { risks: [...images, ...logins, ...ownerRisks(touched), ...git.risks, ...scalers, ...budgets] },
      ...changes.map(({ workload, revision }) => strategyRisks(cluster, workload, revision)),
      { blockers: rights.blockers.length > 0 ? [] : refused, notes: rights.notes }
    ]),
    mayMark: rights.mayMark,
    ...(git.soakMs && { soakMs: git.soakMs })
  }
}
