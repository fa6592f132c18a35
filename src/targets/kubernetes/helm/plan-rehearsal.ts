import type { Step } from '../../../model/step.ts'
import type { Move as Between } from '../../target.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import type { Workload } from '../objects/workload.ts'
import { type Findings, joined } from '../preflight/findings.ts'
import { isConfig, referencesOf, referenceText } from '../preflight/references.ts'
import { notRehearsed, planRehearsal } from '../workloads/plan-rehearsal.ts'
import type { HelmRevision } from './history.ts'
import { clusterRevision, type ManifestObject, objectText } from './manifest.ts'

interface Subject {
  workloads: readonly Workload[]
  candidate: HelmRevision
  /** Workloads whose template changes, to a revision that the cluster still has. */
  changes: readonly WorkloadChange[]
  /** What else of the release Helm changes. */
  others: readonly ManifestObject[]
}

/**
 * The rehearsal before Helm goes back: one pod of the template as the cluster kept it. Helm restores ConfigMaps and Secrets together
 * with the template; a pod beside meets the present ones, so where these change it would prove nothing.
 */
export async function planHelmRehearsal(
  cluster: KubernetesContext,
  { workloads, candidate, changes, others }: Subject,
  between: Between,
  signal: AbortSignal
): Promise<Findings & { steps: Step[] }> {
  const restored = new Map(others.map((one) => [`${one.kind.toLowerCase()}s/${one.namespace}/${one.name}`, one]))
  const plan = await planRehearsal(cluster, changes, between, signal, ({ revision, move }) => {
    const [first] = referencesOf(revision.template)
      .filter((one) => isConfig(one) || one.resource === 'serviceaccounts')
      .flatMap((one) => restored.get(referenceText({ ...one, name: `${move.namespace}/${one.name}` })) ?? [])
    return first ? `it would meet the present ${objectText(first)}, and Helm restores another one with it` : null
  })
  const unknown = workloads.filter(
    (workload) =>
      !clusterRevision(workload, candidate.content) &&
      (cluster.config.rehearse ?? workload.object.spec.strategy?.type === 'Recreate')
  )
  const why = `the cluster keeps no revision of it that is certainly that of Helm's revision ${candidate.revision}`
  return {
    ...joined([plan, ...unknown.map((workload) => notRehearsed(cluster, workload.address, between.to.version, why))]),
    steps: plan.steps
  }
}
