import { z } from 'zod'
import { oneLine } from '../../../support/text.ts'
import { type Kind, revisionsOf } from './names.ts'
import { type Metadata, type Pod, part, type WorkloadObject } from './objects.ts'

/** The first pod that a rollout waits for and that cannot go; a rolling update of a Deployment goes on beside one. */
export function hangingPod(
  { kind, object, isNew }: { kind: Kind; object: WorkloadObject; isNew(pod: Pod): boolean },
  pods: readonly Pod[],
  now: number
): string | null {
  const waits =
    revisionsOf(kind) === 'controllerrevisions' || (object.spec.strategy?.type === 'Recreate' && !pods.some(isNew))
  return waits ? (pods.flatMap((pod) => hangs(pod, now) ?? [])[0] ?? null) : null
}

/** After the grace period: a controller removes its finalizer within this time. */
const removedWithinMs = 10_000
/** A busy kubelet takes long to confirm the end; Kubernetes itself gives a node up after this time (tolerationSeconds of unreachable). */
const confirmedWithinMs = 300_000

/** Why a pod that should be gone is still there, and who can end that; null for one that has time left, or is not being deleted. */
function hangs({ metadata, spec }: Pod, now: number): string | null {
  const { name, deletionTimestamp, finalizers } = metadata
  const [first] = finalizers ?? []
  // It is when the grace period ends, not when the deletion was asked for.
  if (!deletionTimestamp || now - Date.parse(deletionTimestamp) < (first ? removedWithinMs : confirmedWithinMs))
    return null
  if (!first)
    return `${name} is not gone after its grace period: its node ${spec.nodeName ?? ''} does not confirm that it ended; check the node`
  const owner = ownerOf(metadata, first)
  return oneLine(
    `${name} cannot go: the finalizer ${first} holds it${owner ? `, which ${owner} set` : ''}; its controller must remove it, or, if that is gone, remove it from the pod yourself`,
    400
  )
}

const fieldsSchema = part({ 'f:metadata': part({ 'f:finalizers': z.record(z.string(), z.unknown()).nullish() }) })

/** Who set a finalizer, by the managed fields (kubernetes.io, "Server-Side Apply"). */
const ownerOf = ({ managedFields }: Metadata, finalizer: string): string | undefined =>
  managedFields?.find(({ fieldsV1 }) => {
    const fields = fieldsSchema.safeParse(fieldsV1).data?.['f:metadata']?.['f:finalizers']
    return fields && `v:"${finalizer}"` in fields
  })?.manager
