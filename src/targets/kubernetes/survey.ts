import type { JsonObject } from '../../model/json.ts'
import type { Survey } from '../../model/survey.ts'
import { healthTogether } from './health.ts'
import { leaseOn, readLeases } from './lease/index.ts'
import { addressText, shortText } from './names.ts'
import { releasesOf } from './releases.ts'
import { namespacesOf, readWorkloads, type Workload } from './workload.ts'
import type { Workshop } from './workshop.ts'

/** Reads what the cluster keeps of every workload. */
export async function surveyOf(
  workshop: Workshop,
  signal: AbortSignal
): Promise<{ survey: Survey; workloads: Workload[] }> {
  const [workloads, leases] = await Promise.all([
    readWorkloads(workshop, signal),
    readLeases(workshop, namespacesOf(workshop), signal)
  ])
  const lease = await leaseOn(
    workshop,
    workloads.map(({ address }) => address),
    leases,
    signal
  )
  const { current, releases } = releasesOf(workloads)
  const survey: Survey = {
    current,
    health: healthTogether(workloads),
    releases,
    risks: [],
    blockers: [],
    fingerprint: Object.fromEntries(workloads.map((workload) => [addressText(workload.address), factsOf(workload)])),
    ...(lease && { lease }),
    snapshot: Object.fromEntries(
      workloads.map((workload) => [addressText(workload.address), { template: workload.hash }])
    ),
    notes: workloads
      .filter(({ pods }) => pods === null)
      .map(
        ({ address }) =>
          `The pods of ${shortText(address)} may not be read with these rights; health is from its conditions alone.`
      )
  }
  return { survey, workloads }
}

/** Scaling is left to whoever scales, so neither the number of replicas nor the generation is part of it. */
const factsOf = ({ object, hash }: Workload): JsonObject => ({
  uid: object.metadata.uid,
  template: hash,
  paused: object.spec.paused === true,
  strategy: object.spec.strategy?.type ?? object.spec.updateStrategy?.type ?? ''
})
