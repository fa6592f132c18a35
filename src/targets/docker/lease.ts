import { type LeaseRecord, leaseRecordSchema } from '../../model/lease.ts'
import { parseOutsideJson } from '../../support/nesting.ts'
import { leaseLocked } from '../lease-errors.ts'
import { mayTakeLease } from '../may-take-lease.ts'
import type { DockerContext } from './context.ts'
import { isStatus } from './engine/engine.ts'

/** A lease that is on the engine. */
export interface LeaseOnEngine {
  id: string
  record: LeaseRecord
  expired: boolean
}

/** Where a lease is kept: an object of the engine's whose name exists once. */
export interface LeaseStore<Held> {
  find(signal: AbortSignal): Promise<LeaseOnEngine | null>
  /** @throws EngineError 409 when the name is taken. */
  create(record: LeaseRecord, signal: AbortSignal): Promise<Held>
  remove(id: string, signal: AbortSignal): Promise<void>
}

/** Takes the lease where `mayTakeLease` allows it. @throws TargetError `locked` when another rollback holds it. */
export async function takeLease<Held>(
  { find, create, remove }: LeaseStore<Held>,
  record: LeaseRecord,
  signal: AbortSignal
): Promise<Held> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const there = await find(signal)
    if (there && !mayTakeLease(there, record)) throw leaseLocked(there.record)
    if (there) await remove(there.id, signal)
    try {
      return await create(record, signal)
    } catch (error) {
      if (!isStatus(error, 409)) throw error
    }
  }
  throw leaseLocked((await find(signal))?.record)
}

/** Milliseconds by the engine's clock: those of the machines that work on it may differ. */
export async function engineTime({ engine, clock }: DockerContext, signal: AbortSignal): Promise<number> {
  const { SystemTime } = await engine.info(signal)
  return Date.parse(SystemTime ?? '') || clock.now().getTime()
}

/** Reads a record that anything may have written. */
export function leaseRecordIn(text: string): LeaseRecord {
  try {
    return leaseRecordSchema.parse(parseOutsideJson(text))
  } catch {
    return {
      rollbackId: 'unknown',
      holder: { host: 'unknown', pid: 0, user: 'unknown' },
      startedAt: new Date(0).toISOString(),
      begun: {}
    }
  }
}
