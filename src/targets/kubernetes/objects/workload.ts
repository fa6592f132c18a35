import type { Address } from './names.ts'
import type { Pod, WorkloadObject } from './objects.ts'
import type { Revision } from './revision.ts'

/** A workload with everything that the cluster keeps of it. */
export interface Workload {
  address: Address
  object: WorkloadObject
  /** Hash of the template that should serve. */
  hash: string
  /** Newest first. */
  revisions: Revision[]
  /** The revision whose template should serve; null while the controller has not created it yet. */
  current: Revision | null
  /** Its pods, of every revision; null where they may not be read. */
  pods: Pod[] | null
  /** The server's time when it was read, in milliseconds. */
  readAt: number
}

/** The progress of a rollout, in the numbers that all kinds share. */
export interface Rollout {
  wanted: number
  /** Pods of the template that should serve. */
  updated: number
  available: number
  /** Pods of earlier templates that still exist. */
  old: number
  /** The controller has seen the present specification. */
  seen: boolean
  complete: boolean
}

/** A StatefulSet that replaces its pods itself, one after the other, and creates none after one that is not ready. */
export const isOrdered = ({ spec, status }: WorkloadObject): boolean =>
  Boolean(status.updateRevision) && spec.podManagementPolicy !== 'Parallel' && !isOnDelete({ spec })

/** Its pods are replaced only when they are deleted. */
export const isOnDelete = ({ spec }: Pick<WorkloadObject, 'spec'>): boolean => spec.updateStrategy?.type === 'OnDelete'

/** Every namespace of some workloads, once. */
export const namespacesOf = (items: readonly { namespace: string }[]): string[] => [
  ...new Set(items.map(({ namespace }) => namespace))
]
