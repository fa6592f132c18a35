import type { Blocker, Risk } from '../../../model/observation.ts'
import type { KubernetesContext } from '../context.ts'
import { addressText, resources, shortText } from '../objects/names.ts'
import type { Revision } from '../objects/revision.ts'
import type { Workload } from '../workloads/read.ts'

interface StrategyRisks {
  risks: Risk[]
  blockers: Blocker[]
  notes: string[]
}

/** What a workload's own way of rolling out means for going back. */
export function strategyRisks(
  { kubectl }: KubernetesContext,
  { address, object, current }: Workload,
  candidate: Revision
): StrategyRisks {
  const found: StrategyRisks = { risks: [], blockers: [], notes: [] }
  const { spec } = object
  const name = shortText(address)
  const type = spec.strategy?.type ?? spec.updateStrategy?.type
  const onCluster = `${kubectl} -n ${address.namespace}`
  if (spec.paused)
    found.risks.push({
      id: `paused:${addressText(address)}`,
      serious: true,
      title: `The rollout of ${name} is paused`,
      detail: `Somebody paused it. Going back resumes it together with the old template; ${
        current
          ? 'undoing pauses it again'
          : 'the template that waits in it has no revision, so undoing cannot bring it back: keep its manifest'
      }.`
    })
  if (type === 'Recreate') found.notes.push(`${name} uses Recreate: its pods stop before the old version's start.`)
  if (type === 'OnDelete')
    found.notes.push(`${name} replaces pods only when they are deleted (OnDelete), so they are deleted one by one.`)
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0
  const stable = object.status.currentRevision
  if (partition > 0 && stable && stable !== candidate.name)
    found.blockers.push({
      id: `partition:${addressText(address)}`,
      what: `${name} is rolled out only from ordinal ${partition} on (partition)`,
      why: `pods below it stay at ${stable}, so not all would be of the version that was asked for`,
      next: `Go back to the revision ${stable}, or set the partition to 0 first: "${onCluster} patch ${resources[address.kind].kind.toLowerCase()} ${address.name} -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'".`
    })
  if (!current)
    found.notes.push(`${name} has no revision object of its present template, so undoing cannot bring it back.`)
  return found
}
