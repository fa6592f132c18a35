import { hostname, userInfo } from 'node:os'
import type { JsonObject } from '../../model/json.ts'
import type { Holder, LeaseRecord } from '../../model/lease.ts'
import type { Blocker, Observation } from '../../model/observation.ts'
import { acquireFileLock, type FileLock, lockHolder as fileLockHolder } from '../../project/file-lock.ts'
import { snakeCase } from '../../support/casing.ts'
import { ConfigError, messageOf, TargetError } from '../../support/errors.ts'
import { isAlive } from '../../support/is-alive.ts'
import { oneLine } from '../../support/text.ts'
import type { HeldLease } from '../../targets/target.ts'
import type { Begun } from '../journal/journal-events.ts'
import type { Session } from '../session.ts'

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
  return holder && { rollbackId: oneLine(holder.purpose, 80), host: oneLine(holder.host, 80), pid: holder.pid }
}

/** A holder as people read it: a lock, a lease or a journal may hold any text. */
export const plainHolder = ({ host, pid, user }: Holder): Holder => ({
  host: oneLine(host, 80),
  pid,
  user: oneLine(user, 40)
})

/** "ann on build-7", or the host alone. */
export function nameOf(holder: Holder, what: 'user' | 'host' = 'user'): string {
  const { host, user } = plainHolder(holder)
  return what === 'host' ? host : `${user} on ${host}`
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
  return running(oneLine(live.rollbackId, 80), `${nameOf(live.holder)} (process ${live.holder.pid}) runs`)
}

const running = (rollbackId: string, who: string, next = waitAndAssess): Blocker => ({
  id: 'running',
  what: 'Another rollback of this target is running',
  why: `${who} ${rollbackId}`,
  next
})

const ttlMs = 60_000
const renewEveryMs = 15_000

/** A lease that renews itself until it is released; `lost` is aborted when another run has taken it. */
export interface KeptLease extends HeldLease {
  lost: AbortSignal
  /** Stops renewing; the lease stays until it expires. */
  stop(): void
}

/**
 * Takes the target's lease, where the target can hold one. It holds all that another machine needs to finish or undo the rollback;
 * `proven` says that the cleanup has begun.
 */
export async function keepLease(
  session: Session,
  begun: Begun,
  signal: AbortSignal,
  proven = false
): Promise<KeptLease | null> {
  const record = {
    rollbackId: begun.rollbackId,
    holder: thisHolder(),
    startedAt: begun.at,
    begun: snakeCase(session.mask.record(begun)) as JsonObject,
    ...(proven && { proven })
  }
  const held = await session.target.lease?.acquire(record, ttlMs, signal)
  if (!held) return null
  const lost = new AbortController()
  const renewal = setInterval(() => {
    held.renew(AbortSignal.timeout(renewEveryMs)).catch((error: unknown) => {
      session.log('warning', `The lease could not be renewed: ${messageOf(error)}`)
      if ((error as { code?: unknown }).code === 'lease_lost') lost.abort(error)
    })
  }, renewEveryMs)
  renewal.unref()
  const stop = (): void => clearInterval(renewal)
  return {
    lost: lost.signal,
    renew: held.renew,
    markProven: held.markProven,
    stop,
    async release(releaseSignal) {
      stop()
      await held.release(releaseSignal)
    }
  }
}
