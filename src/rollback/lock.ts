import { readFileSync } from 'node:fs'
import { link, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { dirname } from 'node:path'
import { z } from 'zod'
import { ConfigError, messageOf, TargetError } from '../support/errors.ts'
import type { Holder } from './journal-events.ts'

const lockSchema = z.object({
  rollback_id: z.string(),
  host: z.string(),
  pid: z.number(),
  user: z.string(),
  /** When the process began, so that a reused process id is not taken for the holder. */
  born: z.string().nullable()
})

type LockContent = z.infer<typeof lockSchema>

export interface LocalLock {
  release(): Promise<void>
}

/** Who runs this program. */
export const thisHolder = (): Holder => ({ host: hostname(), pid: process.pid, user: userName() })

const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}

/** Whether a holder still runs; of another machine that cannot be known, and null is the answer. */
export function isAlive(holder: Pick<Holder, 'host' | 'pid'>, born?: string | null): boolean | null {
  if (holder.host !== hostname()) return null
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return born ? bornOf(holder.pid) === born : true
}

/** A process's start time in kernel ticks, from /proc where there is one (proc(5), stat field 22). */
function bornOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

/** Who holds the lock now and is alive (or may be), else null. */
export async function lockHolder(path: string): Promise<LockContent | null> {
  const content = await readLock(path)
  return content && isAlive(content, content.born) !== false ? content : null
}

async function readLock(path: string): Promise<LockContent | null> {
  try {
    return lockSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return null
  }
}

/**
 * Takes the lock of one target on this machine; a lock whose holder is dead is taken over.
 * @throws TargetError with code `locked` when somebody holds it; ConfigError when no lock can be written.
 */
export async function takeLock(path: string, rollbackId: string): Promise<LocalLock> {
  const mine: LockContent = { rollback_id: rollbackId, ...thisHolder(), born: bornOf(process.pid) }
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2, 8)}`
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(draft, JSON.stringify(mine))
  } catch (error) {
    throw new ConfigError({
      what: `The lock ${path} cannot be written`,
      why: messageOf(error),
      next: 'Make the folder writable; without its lock no rollback is begun.',
      code: 'lock_unwritable',
      cause: error
    })
  }
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (await linked(draft, path)) return { release: () => releaseIfMine(path, mine) }
      const holder = await lockHolder(path)
      if (holder) throw held(holder)
      await moveAside(path)
    }
    throw held(await readLock(path))
  } finally {
    await unlink(draft).catch(() => undefined)
  }
}

/** A hard link appears whole or not at all, so nobody ever reads half a lock. */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Of several that find the same dead lock, one rename wins; a lock that turns out to be alive is put back. */
async function moveAside(path: string): Promise<void> {
  const aside = `${path}.dead.${process.pid}.${Math.random().toString(36).slice(2, 8)}`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  if (await lockHolder(aside)) await link(aside, path).catch(() => undefined)
  await unlink(aside).catch(() => undefined)
}

async function releaseIfMine(path: string, mine: LockContent): Promise<void> {
  const content = await readLock(path)
  if (content?.rollback_id === mine.rollback_id && content.pid === mine.pid) await unlink(path).catch(() => undefined)
}

const held = (holder: LockContent | null): TargetError =>
  new TargetError({
    what: 'Another rollback of this target is running',
    why: holder
      ? `${holder.rollback_id} is run by ${holder.user} on ${holder.host} (process ${holder.pid})`
      : 'its lock changes hands right now',
    next: 'Wait until it ends, then assess again.',
    code: 'locked',
    retryable: true
  })
