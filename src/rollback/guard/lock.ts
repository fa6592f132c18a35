import { hostname, userInfo } from 'node:os'
import type { Holder, LeaseRecord } from '../../model/lease.ts'
import type { Blocker, Observation } from '../../model/observation.ts'
import { acquireFileLock, type FileLock, lockHolder as fileLockHolder } from '../../project/file-lock.ts'
import { ConfigError, messageOf, TargetError } from '../../support/errors.ts'
import { isAlive } from '../../support/is-alive.ts'

/** The user and process that run this program. */
export const thisHolder = (): Holder => ({ host: hostname(), pid: process.pid, user: userName() })

const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}

interface LockedBy {
  rollbackId: string
  host: string
  pid: number
}

const waitAndAssess = 'Wait until it ends, then assess again.'

/** What to do about a lock; a holder on another machine is known to be gone only by its silence. */
const waitFor = (path: string, { host }: LockedBy): string =>
  host === hostname()
    ? waitAndAssess
    : `${waitAndAssess} If ${host} is gone, the lock expires after two minutes; to go on sooner, remove ${path}.`

/** The live holder of a target's lock on this machine, else null. */
export async function lockHolder(path: string): Promise<LockedBy | null> {
  const holder = await fileLockHolder(path)
  return holder && { rollbackId: holder.purpose, host: holder.host, pid: holder.pid }
}

/**
 * Takes the lock of one target on this machine; takes over the lock of a dead process.
 * @throws TargetError with code `locked` when another process holds it; ConfigError when no lock can be written.
 */
export async function takeLock(path: string, rollbackId: string): Promise<FileLock> {
  try {
    return await acquireFileLock(path, { purpose: rollbackId, waitMs: 0 })
  } catch (error) {
    if (error instanceof TargetError && error.code === 'locked') throw locked(path, await lockHolder(path))
    throw new ConfigError({
      what: `The lock ${path} could not be written`,
      why: messageOf(error),
      next: 'Make the folder writable; a rollback needs its lock.',
      code: 'lock_unwritable',
      cause: error
    })
  }
}

const locked = (path: string, holder: LockedBy | null): TargetError =>
  new TargetError({
    what: 'Another rollback of this target is running',
    why: holder
      ? `process ${holder.pid} on ${holder.host} runs ${holder.rollbackId}`
      : 'another process just took its lock',
    next: holder ? waitFor(path, holder) : waitAndAssess,
    code: 'locked',
    retryable: true
  })

/** The lease on the target of a rollback that may be running. */
export const liveLease = ({ lease }: Observation): LeaseRecord | null =>
  lease && !lease.expired && isAlive(lease.record.holder) !== false ? lease.record : null

/** A blocker when another rollback of this target is running, here or elsewhere. */
export async function runningElsewhere(lockPath: string, observation: Observation): Promise<Blocker[]> {
  const local = await lockHolder(lockPath)
  if (local) return [running(local.rollbackId, `process ${local.pid} on ${local.host} runs`, waitFor(lockPath, local))]
  const leased = runningByLease(observation)
  return leased ? [leased] : []
}

/** The same, as only the lease on the target tells it. */
export function runningByLease(observation: Observation): Blocker | null {
  const live = liveLease(observation)
  if (!live) return null
  const { host, pid, user } = live.holder
  return running(live.rollbackId, `${user} on ${host} (process ${pid}) runs`)
}

const running = (rollbackId: string, who: string, next = waitAndAssess): Blocker => ({
  id: 'running',
  what: 'Another rollback of this target is running',
  why: `${who} ${rollbackId}`,
  next
})
