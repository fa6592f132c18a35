import type { JsonObject } from '../../../model/json.ts'
import type { Observation } from '../../../model/observation.ts'
import { fingerprint } from '../../../support/canonical.ts'
import type { Observed } from '../../target.ts'
import { isRollout } from '../argo/state.ts'
import type { KubernetesContext } from '../context.ts'
import { type HelmUse, helmFacts, helmNotes, observeHelm } from '../helm/helm-state.ts'
import { releasesOfHelm } from '../helm/releases.ts'
import { leaseOn, readLeases } from '../lease/index.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Workload } from '../objects/workload.ts'
import { healthTogether } from './health.ts'
import { configuredNamespaces, readWorkloads } from './read.ts'
import { releasesOf } from './releases.ts'
import { snapshotOf } from './same-image.ts'

/** What an observation read; plans are made from it. */
export interface ClusterState {
  workloads: Workload[]
  helm: HelmUse
}

/** Reads what the cluster keeps of every workload, and Helm of the release that they belong to. */
export async function observe(cluster: KubernetesContext, signal: AbortSignal): Promise<Observed<ClusterState>> {
  const [workloads, leases] = await Promise.all([
    readWorkloads(cluster, signal),
    readLeases(cluster, configuredNamespaces(cluster), signal)
  ])
  const addresses = workloads.map(({ address }) => address)
  const [helm, lease] = await Promise.all([
    observeHelm(cluster, workloads, signal),
    leaseOn(cluster, addresses, leases, signal)
  ])
  const helmState = helm.state === 'readable' ? helm.helmState : null
  const { current, releases, mixedReleases } = helmState
    ? releasesOfHelm(cluster, helmState, workloads)
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
    snapshot: Object.fromEntries(workloads.map((workload) => [addressText(workload.address), snapshotOf(workload)])),
    notes: [
      ...workloads
        .filter(({ pods }) => pods === null)
        .map(
          ({ address }) =>
            `These rights do not allow reading the pods of ${shortText(address)}; its health comes from its conditions alone.`
        ),
      ...(helmState ? helmNotes(helmState, workloads) : workloads.filter(keepsNothing).map(nothingKept))
    ]
  }
  return { observation, state: { workloads, helm } }
}

const keepsNothing = ({ object, revisions, current }: Workload): boolean =>
  object.spec.revisionHistoryLimit === 0 && revisions.every((one) => one === current)

const nothingKept = ({ address }: Workload): string =>
  `${shortText(address)} keeps no earlier revision, because its revisionHistoryLimit is 0. Apply the former manifest again; raise the limit so that the next failure can be rolled back.`

/** Others may scale at any time, so neither the number of replicas nor the generation is included. */
const factsOf = ({ object, hash }: Workload): JsonObject => ({
  uid: object.metadata.uid,
  template: hash,
  paused: object.spec.paused === true,
  strategy: object.spec.strategy?.type ?? object.spec.updateStrategy?.type ?? '',
  ...(isRollout(object) && { stable: object.status.stableRS ?? '', aborted: object.status.abort === true })
})
