import type { JsonObject } from '../../../model/json.ts'
import type { Survey } from '../../../model/observation.ts'
import { isRollout } from '../argo/state.ts'
import type { Workshop } from '../context.ts'
import { helmFacts, helmNotes } from '../helm/facts.ts'
import { type HelmLook, lookAtHelm } from '../helm/helm-state.ts'
import { releasesOfHelm } from '../helm/releases.ts'
import { leaseOn, readLeases } from '../lease/index.ts'
import { addressText, shortText } from '../objects/names.ts'
import { healthTogether } from './health.ts'
import { releasesOf } from './releases.ts'
import { namespacesOf, readWorkloads, type Workload } from './workload.ts'

/** What a plan is made of. */
export interface Seen {
  workloads: Workload[]
  helm: HelmLook
}

export async function look(workshop: Workshop, signal: AbortSignal): Promise<Seen> {
  const workloads = await readWorkloads(workshop, signal)
  return { workloads, helm: await lookAtHelm(workshop, workloads, signal) }
}

/** Reads what the cluster keeps of every workload, and Helm of the release that they belong to. */
export async function surveyOf(workshop: Workshop, signal: AbortSignal): Promise<{ survey: Survey; seen: Seen }> {
  const [seen, leases] = await Promise.all([
    look(workshop, signal),
    readLeases(workshop, namespacesOf(workshop), signal)
  ])
  const { workloads, helm } = seen
  const lease = await leaseOn(
    workshop,
    workloads.map(({ address }) => address),
    leases,
    signal
  )
  const sight = helm.state === 'seen' ? helm.sight : null
  const { current, releases, halfWay } = sight
    ? { ...releasesOfHelm(workshop, sight, workloads), halfWay: false }
    : releasesOf(workloads)
  const survey: Survey = {
    current,
    health: healthTogether(workloads),
    halfWay,
    releases,
    risks: [],
    blockers: [],
    fingerprint: {
      ...Object.fromEntries(workloads.map((workload) => [addressText(workload.address), factsOf(workload)])),
      ...(sight && { helm: helmFacts(sight) })
    },
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
      ...(sight ? helmNotes(sight, workloads) : [])
    ]
  }
  return { survey, seen }
}

/** Scaling is left to whoever scales, so neither the number of replicas nor the generation is part of it. */
const factsOf = ({ object, hash }: Workload): JsonObject => ({
  uid: object.metadata.uid,
  template: hash,
  paused: object.spec.paused === true,
  strategy: object.spec.strategy?.type ?? object.spec.updateStrategy?.type ?? '',
  ...(isRollout(object) && { stable: object.status.stableRS ?? '', aborted: object.status.abort === true })
})
