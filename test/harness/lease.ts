import { spawnSync } from 'node:child_process'
import { hostname } from 'node:os'
import type { LeaseRecord } from '../../src/model/lease.ts'
import type { HeldLease, Target } from '../../src/targets/target.ts'

/** A lease of a target that can hold one; what is acquired is held. */
export function taking({ lease }: Target) {
  if (!lease) throw new Error('no lease')
  return {
    async acquire(record: LeaseRecord, ttlMs: number, signal: AbortSignal): Promise<HeldLease> {
      const held = await lease.acquire(record, ttlMs, signal)
      if (!held) throw new Error('the target holds no lease')
      return held
    }
  }
}

/** A process of this machine that is no more. */
export const deadHolder = (): LeaseRecord['holder'] => ({
  host: hostname(),
  pid: spawnSync('true').pid,
  user: 'ada'
})
