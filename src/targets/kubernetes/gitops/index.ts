import type { Risk } from '../../../model/observation.ts'
import type { KubernetesContext } from '../context.ts'
import { shortText } from '../objects/names.ts'
import type { Workload } from '../objects/workload.ts'
import { applicationOf, argoRisk, argoSoakMs } from './argocd.ts'
import { type FluxOwner, fluxOwners, fluxRisk } from './flux.ts'

interface GitOwners {
  risks: Risk[]
  /** The least soak, so that a controller that restores its own state is seen doing so. */
  soakMs?: number
}

/** Controllers that keep the workloads as in git, each read once for everything that it owns. */
export async function gitOwners(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  signal: AbortSignal
): Promise<GitOwners> {
  const applications = new Map<string, Workload[]>()
  const flux = new Map<string, { owner: FluxOwner; owned: Workload[] }>()
  for (const workload of workloads) {
    const { metadata } = workload.object
    const application = applicationOf(metadata)
    if (application) applications.set(application, [...(applications.get(application) ?? []), workload])
    for (const owner of fluxOwners(metadata, workload.address.namespace)) {
      const key = JSON.stringify(owner)
      flux.set(key, { owner, owned: [...(flux.get(key)?.owned ?? []), workload] })
    }
  }
  const risks = await Promise.all([
    ...[...applications].map(([name, owned]) => argoRisk(cluster, name, textOf(owned), signal)),
    ...[...flux.values()].map(({ owner, owned }) => fluxRisk(cluster, owner, textOf(owned), signal))
  ])
  return { risks, ...(applications.size > 0 && { soakMs: argoSoakMs }) }
}

const textOf = (workloads: readonly Workload[]): string => {
  const names = workloads.slice(0, 3).map(({ address }) => shortText(address))
  return workloads.length > 3 ? `${names.join(', ')} and ${workloads.length - 3} more` : names.join(', ')
}
