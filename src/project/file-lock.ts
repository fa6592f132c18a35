import { randomUUID } from 'node:crypto'
import { mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { TargetError } from '../support/errors.ts'
import { parseOutsideJson } from '../support/nesting.ts'
import { readOwnText } from '../support/read-text.ts'
import { isGone, ownIdentity } from './process-identity.ts'

const holderSchema = z.looseObject({
  pid: z.number(),
  host: z.string(),
  start: z.string(),
  token: z.string(),
  since: z.string(),
  purpose: z.string()
})
type LockHolder = z.infer<typeof holderSchema>

export interface FileLock {
  /** False once another process has taken it over. */
  held(): Promise<boolean>
  /** Gives it back. Safe to repeat, and harmless when another process has taken it over. */
  release(): Promise<void>
}

interface LockOptions {
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
/** A holder touches its lock as long as it lives; on another machine, or in a container that was replaced, that is all one sees of it. */
const touchEveryMs = 20_000
const silentAfterMs = 120_000
const mostBytes = 65_536

/**
 * Takes a lock file, with process and machine of the holder in it. One whose holder is dead, or on another machine and silent for two
 * minutes, is taken over.
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
    const leftOver = (): Promise<boolean> => isLeftOver(path, holder, unchangedMs, options.staleAfterMs)
    if ((await leftOver()) && (await takeAway(path, name, leftOver))) continue
    else if (performance.now() >= until) throw locked(path, holder)
    else await wait(50 + Math.random() * 50, undefined, { signal: options.signal })
  }
}

/** The live holder of a lock file; null when it is free or its holder cannot be read. */
export async function lockHolder(path: string): Promise<LockHolder | null> {
  const holder = await holderOf(path)
  return typeof holder === 'string' || (await isGone(holder)) || (await isSilent(path, holder)) ? null : holder
}

const lockOf = (path: string, token: string): FileLock => {
  const held = async (): Promise<boolean> => {
    const holder = await holderOf(path)
    return typeof holder !== 'string' && holder.token === token
  }
  const touch = async (): Promise<void> => {
    if (await held()) await utimes(path, new Date(), new Date())
  }
  const touching = setInterval(() => void touch().catch(() => undefined), touchEveryMs)
  touching.unref()
  return {
    held,
    release: async () => {
      clearInterval(touching)
      if (await held()) await rm(path, { force: true })
    }
  }
}

async function isSilent(path: string, { host }: LockHolder): Promise<boolean> {
  if (host === hostname()) return false
  const file = await stat(path).catch(() => null)
  return file !== null && Date.now() - file.mtimeMs > silentAfterMs
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
    return holderSchema.parse(parseOutsideJson(await readOwnText(path, mostBytes)))
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
  if (holder !== 'unreadable')
    return unchangedMs > staleAfterMs || (await isGone(holder)) || (await isSilent(path, holder))
  const file = await stat(path).catch(() => null)
  return (file?.isFile() ?? false) && (unchangedMs > emptyForMs || Date.now() - (file?.mtimeMs ?? 0) > emptyForMs)
}

/**
 * Removes a lock that was left over, one at a time: of many who saw the same dead holder, a slow one must not remove the lock of
 * its successor. Says whether it is worth trying again at once.
 */
async function takeAway(path: string, token: string, leftOver: () => Promise<boolean>): Promise<boolean> {
  const turn = await acquireFileLock(`${path}.taking-over`, { purpose: 'taking over', waitMs: 1000 }).catch(() => null)
  if (!turn) return false
  try {
    const now = await holderOf(path)
    const same = (typeof now === 'string' ? now : now.token) === token
    if (same && (await leftOver())) await rm(path, { force: true })
    return true
  } finally {
    await turn.release()
  }
}

function locked(path: string, holder: LockHolder | 'unreadable'): TargetError {
  const who = holder === 'unreadable' ? 'another process' : `process ${holder.pid} on ${holder.host}`
  const what = holder === 'unreadable' ? '' : `, ${holder.purpose} since ${holder.since}`
  return new TargetError({
    what: `${path} is held`,
    why: `${who} holds it${what}`,
    next: 'Wait until that process ends, then try again. If it no longer exists, remove the file.',
    code: 'locked',
    retryable: true
  })
}
