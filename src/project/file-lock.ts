import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { TargetError } from '../support/errors.ts'
import { isGone, ownIdentity } from './process-identity.ts'

const holderSchema = z.looseObject({
  pid: z.number(),
  host: z.string(),
  start: z.string(),
  token: z.string(),
  since: z.string(),
  purpose: z.string()
})
export type LockHolder = z.infer<typeof holderSchema>

export interface FileLock {
  /** Whether nobody has taken it over meanwhile. */
  held(): Promise<boolean>
  /** Gives it back; safe to repeat, and harmless when somebody else has it by now. */
  release(): Promise<void>
}

export interface LockOptions {
  /** What the holder does, for the message to those who wait: "writing the history". */
  purpose: string
  /** How long to wait for another holder, in milliseconds; 0 tries once. */
  waitMs: number
  /** Taken over when it has not changed for so long, though its holder may live; for work that takes moments. */
  staleAfterMs?: number
  signal?: AbortSignal
}

/** A lock file that is being written is empty for a moment; one that stays so was left by a process that was killed. */
const emptyForMs = 2000
const mostMisses = 100

/**
 * Takes a lock file, with process and machine of the holder in it. One whose holder is dead is taken over.
 * @throws TargetError with code `locked` naming the holder, when it is not free in time.
 */
export async function acquireFileLock(path: string, options: LockOptions): Promise<FileLock> {
  await mkdir(dirname(path), { recursive: true })
  const token = randomUUID()
  const own: LockHolder = {
    ...(await ownIdentity()),
    token,
    since: new Date().toISOString(),
    purpose: options.purpose
  }
  const until = performance.now() + options.waitMs
  let misses = 0
  const seen = { token: '', since: performance.now() }
  for (;;) {
    options.signal?.throwIfAborted()
    if (await created(path, own)) return lockOf(path, token)
    const holder = await holderOf(path)
    if (holder === 'none') {
      // released this moment; or a dangling link, which is there for the one call and not for the other
      if (++misses > mostMisses) throw locked(path, 'unreadable')
      continue
    }
    const name = holder === 'unreadable' ? 'unreadable' : holder.token
    if (name !== seen.token) Object.assign(seen, { token: name, since: performance.now() })
    const unchangedMs = performance.now() - seen.since
    if (await isLeftOver(path, holder, unchangedMs, options.staleAfterMs)) await takeAway(path, name)
    else if (performance.now() >= until) throw locked(path, holder)
    else await wait(50 + Math.random() * 50, undefined, { signal: options.signal })
  }
}

/** Who holds a lock file now; null when nobody does, or nobody that could be read. */
export async function lockHolder(path: string): Promise<LockHolder | null> {
  const holder = await holderOf(path)
  return typeof holder === 'string' || (await isGone(holder)) ? null : holder
}

const lockOf = (path: string, token: string): FileLock => {
  const held = async (): Promise<boolean> => {
    const holder = await holderOf(path)
    return typeof holder !== 'string' && holder.token === token
  }
  return {
    held,
    release: async () => {
      if (await held()) await rm(path, { force: true })
    }
  }
}

async function created(path: string, own: LockHolder): Promise<boolean> {
  try {
    await writeFile(path, `${JSON.stringify(own)}\n`, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function holderOf(path: string): Promise<LockHolder | 'none' | 'unreadable'> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'none' : 'unreadable'
  }
}

async function isLeftOver(
  path: string,
  holder: LockHolder | 'unreadable',
  unchangedMs: number,
  staleAfterMs = Number.POSITIVE_INFINITY
): Promise<boolean> {
  if (holder !== 'unreadable') return unchangedMs > staleAfterMs || (await isGone(holder))
  const file = await stat(path).catch(() => null)
  return (file?.isFile() ?? false) && (unchangedMs > emptyForMs || Date.now() - (file?.mtimeMs ?? 0) > emptyForMs)
}

/** Removes the lock of the holder that was seen, and puts it back when in the meantime another had come. */
async function takeAway(path: string, token: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  const taken = await holderOf(aside)
  if (typeof taken !== 'string' && taken.token !== token) await created(path, taken)
  await rm(aside, { force: true })
}

function locked(path: string, holder: LockHolder | 'unreadable'): TargetError {
  const who = holder === 'unreadable' ? 'somebody' : `process ${holder.pid} on ${holder.host}`
  const what = holder === 'unreadable' ? '' : `, ${holder.purpose} since ${holder.since}`
  return new TargetError({
    what: `${path} is held`,
    why: `${who} holds it${what}`,
    next: 'Wait until that is done and try again; if that process is surely gone, remove the file.',
    code: 'locked',
    retryable: true
  })
}
