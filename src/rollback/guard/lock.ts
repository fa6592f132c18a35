import { hostname, userInfo } from 'node:os'
import { acquireFileLock, type FileLock, lockHolder as fileLockHolder } from '../../project/file-lock.ts'
import { ConfigError, messageOf, TargetError } from '../../support/errors.ts'
import type { Holder } from '../journal/journal-events.ts'

/** Who runs this program. */
export const thisHolder = (): Holder => ({ host: hostname(), pid: process.pid, user: userName() })

const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}

export interface LockedBy {
  rollbackId: string
  host: string
  pid: number
}

/** What to do about a lock; of a holder on another machine only its silence shows that it is gone. */
export const waitFor = (path: string, { host }: LockedBy): string =>
  host === hostname()
    ? 'Wait until it ends, then assess again.'
    : `Wait until it ends, then assess again. If ${host} is gone, its lock counts for nothing after two minutes of silence; to be faster, remove ${path}.`

/** Who holds a target's lock on this machine and may be alive, else null. */
export async function lockHolder(path: string): Promise<LockedBy | null> {
  const holder = await fileLockHolder(path)
  return holder && { rollbackId: holder.purpose, host: holder.host, pid: holder.pid }
}

/**
 * Takes the lock of one target on this machine; a lock whose holder is dead is taken over.
 * @throws TargetError with code `locked` when somebody holds it; ConfigError when no lock can be written.
 */
export async function takeLock(path: string, rollbackId: string): Promise<FileLock> {
  try {
    return await acquireFileLock(path, { purpose: rollbackId, waitMs: 0 })
  } catch (error) {
    if (error instanceof TargetError && error.code === 'locked') throw held(path, await lockHolder(path))
    throw new ConfigError({
      what: `The lock ${path} cannot be written`,
      why: messageOf(error),
      next: 'Make the folder writable; without its lock no rollback is begun.',
      code: 'lock_unwritable',
      cause: error
    })
  }
}

const held = (path: string, holder: LockedBy | null): TargetError =>
  new TargetError({
    what: 'Another rollback of this target is running',
    why: holder
      ? `${holder.rollbackId} is run by process ${holder.pid} on ${holder.host}`
      : 'its lock changes hands right now',
    next: holder ? waitFor(path, holder) : 'Wait until it ends, then assess again.',
    code: 'locked',
    retryable: true
  })
