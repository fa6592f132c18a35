import type { JsonObject } from '../../../model/json.ts'
import type { Observation } from '../../../model/observation.ts'
import { fingerprint } from '../../../support/canonical.ts'
import type { Observed } from '../../target.ts'
import { isRollout } from '../argo/state.ts'
import type { KubernetesContext } from '../context.ts'
import { type HelmLook, helmFacts, helmNotes, lookAtHelm } from '../helm/helm-state.ts'
import { releasesOfHelm } from '../helm/releases.ts'
import { leaseOn, readLeases } from '../lease/index.ts'
import { addressText, shortText } from '../objects/names.ts'
import { healthTogether } from './health.ts'
import { namespacesOf, readWorkloads, type Workload } from './read.ts'
import { releasesOf } from './releases.ts'

/** What a plan is made of. */
export interface Seen {
  workloads: Workload[]
  helm: HelmLook
}

async function look(cluster: KubernetesContext, signal: AbortSignal): Promise<Seen> {
  const workloads = await readWorkloads(cluster, signal)
  return { workloads, helm: await lookAtHelm(cluster, workloads, signal) }
}

/** Reads what the cluster keeps of every workload, and Helm of the release that they belong to. */
export async function observeWorkloads(cluster: KubernetesContext, signal: AbortSignal): Promise<Observed<Seen>> {
  const [seen, leases] = await Promise.all([look(cluster, signal), readLeases(cluster, namespacesOf(cluster), signal)])
  const { workloads, helm } = seen
  const lease = await leaseOn(
    cluster,
    workloads.map(({ address }) => address),
    leases,
    signal
  )
  const helmState = helm.state === 'seen' ? helm.helmState : null
  const { current, releases, mixedReleases } = helmState
    ? { ...releasesOfHelm(cluster, helmState, workloads), mixedReleases: false }
    : releasesOf(workloads)
  const observation: Observation = {
    current,
    health: healthTogether(workloads),
    mixedReleases,
    releases,
    risks: [],
    blockers: [],
    fingerprint: fingerprint({
      ...Object.fromEntries(workloads.map((workload) => [addressText(workload.address), factsOf(workload)])),
      ...(helmState && { helm: helmFacts(helmState) })
    }),
    ...(lease && { lease }),
    snapshot: Object.fromEntries(
      workloads.map((workload) => [addressText(workload.address), { template: workload.hash }])
    ),
    notes: [
      ...workloads
        .filter(({ pods }) => pods === null)
        .map(
          ({ address }) =>
            `The pods of ${shortText(address)} may not be read with these rights; health is from its conditions alone.`
        ),
      ...(helmState ? helmNotes(helmState, workloads) : [])
    ]
  }
  return { observation, state: seen }
}

/** Scaling is left to whoever scales, so neither the number of replicas nor the generation is part of it. */
const factsOf = ({ object, hash }: Workload): JsonObject => ({
  uid: object.metadata.uid,
  template: hash,
  paused: object.spec.paused === true,
  strategy: object.spec.strategy?.type ?? object.spec.updateStrategy?.type ?? '',
  ...(isRollout(object) && { stable: object.status.stableRS ?? '', aborted: object.status.abort === true })
})
