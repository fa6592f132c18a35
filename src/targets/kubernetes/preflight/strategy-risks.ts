import type { KubernetesContext } from '../context.ts'
import { addressText, resources, shortText } from '../objects/names.ts'
import type { Revision } from '../objects/revision.ts'
import type { Workload } from '../objects/workload.ts'
import { type Findings, joined } from './findings.ts'

/** What a workload's rollout strategy means for going back. */
export function strategyRisks(
  { kubectl }: KubernetesContext,
  { address, object, current }: Workload,
  candidate: Revision
): Findings {
  const found = joined([])
  const { spec } = object
  const name = shortText(address)
  const type = spec.strategy?.type ?? spec.updateStrategy?.type
  const onCluster = `${kubectl} -n ${address.namespace}`
  if (spec.paused)
    found.risks.push({
      id: `paused:${addressText(address)}`,
      serious: true,
      title: `The rollout of ${name} is paused`,
      detail: `Going back resumes it together with the old template; ${
        current
          ? 'undoing pauses it again'
          : 'the template that waits in it has no revision, so undoing cannot restore it: keep its manifest'
      }.`
    })
  if (type === 'Recreate')
    found.notes.push(`${name} uses Recreate: its pods stop before those of the old version start.`)
  if (type === 'OnDelete')
    found.notes.push(`${name} replaces pods only when they are deleted (OnDelete), so they are deleted one by one.`)
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0
  const stable = object.status.currentRevision
  if (partition > 0 && stable && stable !== candidate.name)
    found.blockers.push({
      id: `partition:${addressText(address)}`,
      what: `${name} is updated only from ordinal ${partition} on (partition)`,
      why: `pods below it stay at ${stable}, so not all would run the requested version`,
      next: `Go back to the revision ${stable}, or set the partition to 0 first: "${onCluster} patch ${resources[address.kind].kind.toLowerCase()} ${address.name} -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'".`
    })
  if (!current)
    found.notes.push(`${name} has no revision object of its present template, so undoing cannot restore it.`)
  return found
}
