import type { WorkloadObject } from './objects.ts'

/** A StatefulSet that replaces its pods by itself, one after the other, and makes none after one that is not ready. */
export const isOrdered = ({ spec, status }: WorkloadObject): boolean =>
  Boolean(status.updateRevision) && spec.podManagementPolicy !== 'Parallel' && spec.updateStrategy?.type !== 'OnDelete'
