import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { acquireFileLock, lockHolder } from '../../src/project/file-lock.ts'
import { ownIdentity } from '../../src/project/process-identity.ts'
import { bundleProgram, type Program } from './program.ts'

describe('acquireFileLock', () => {
  let dir: string
  let path: string
  let program: Program
  beforeAll(async () => {
    program = await bundleProgram('hold-lock')
  })
  afterAll(() => program.remove())
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'pop-lock-'))
    path = join(dir, 'deep', 'x.lock')
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const acquire = (rest: object = {}) => acquireFileLock(path, { purpose: 'testing', waitMs: 0, ...rest })
  const holder = async (rest: object = {}) => ({
    ...(await ownIdentity()),
    token: 't',
    since: '2026-03-18T14:35:00.000Z',
    purpose: 'sleeping',
    ...rest
  })
  const leave = async (rest: object): Promise<void> => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, JSON.stringify(await holder(rest)))
  }

  it('is held once, and free again when released', async () => {
    const lock = await acquire()
    expect(await lock.held()).toBe(true)
    expect(await lockHolder(path)).toMatchObject({ pid: process.pid, host: hostname(), purpose: 'testing' })
    await expect(acquire()).rejects.toMatchObject({ code: 'locked', retryable: true })
    await lock.release()
    await lock.release()
    expect(await lock.held()).toBe(false)
    expect(await lockHolder(path)).toBeNull()
    await (await acquire()).release()
    expect(readdirSync(join(dir, 'deep'))).toEqual([])
  })

  it('names the holder to the one who waited in vain', async () => {
    await acquire()
    await expect(acquire({ waitMs: 100 })).rejects.toThrow(
      new RegExp(`process ${process.pid} on ${hostname()} holds it, testing since \\d{4}`)
    )
  })

  it('waits for the holder', async () => {
    const lock = await acquire()
    const waiting = acquire({ waitMs: 20_000 })
    await wait(100)
    await lock.release()
    expect(await (await waiting).held()).toBe(true)
  })

  it('is taken over from a process that was killed, by one of many that want it', async () => {
    const child = program.start([path])
    await once(child.stdout ?? child, 'data')
    await expect(acquire()).rejects.toMatchObject({ code: 'locked' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await lockHolder(path)).toBeNull()
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => acquire()))
    const held = await Promise.all(tries.map((result) => result.status === 'fulfilled' && result.value.held()))
    expect(held.filter(Boolean)).toHaveLength(1)
    expect(readdirSync(join(dir, 'deep'))).toEqual(['x.lock'])
  })

  it.runIf(process.platform === 'linux')('is taken over from a process whose number another one has now', async () => {
    await leave({ start: 'another boot:1' })
    expect(await (await acquire()).held()).toBe(true)
  })

  it('is not taken over from a live process or another machine', async () => {
    await leave({})
    await expect(acquire()).rejects.toThrow(/sleeping since 2026/)
    await leave({ host: 'elsewhere', pid: 999_999_999 })
    await expect(acquire()).rejects.toThrow(/on elsewhere/)
  })

  it('is taken over from another machine that has been silent for two minutes, and nobody is said to hold it', async () => {
    await leave({ host: 'elsewhere' })
    expect(await lockHolder(path)).toMatchObject({ host: 'elsewhere' })
    const minutesAgo = Date.now() / 1000 - 121
    utimesSync(path, minutesAgo, minutesAgo)
    expect(await lockHolder(path)).toBeNull()
    expect(await (await acquire()).held()).toBe(true)
  })

  it('is touched by its holder, however long that takes', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const lock = await acquire()
    utimesSync(path, 1, 1)
    vi.advanceTimersByTime(20_000)
    await vi.waitUntil(() => statSync(path).mtimeMs > 1000, { timeout: 20_000 })
    await lock.release()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is held by one of many, whoever of them sees the dead holder last', async () => {
    for (let round = 0; round < 25; round++) {
      await leave({ start: 'another boot:1', pid: 999_999_999, token: `dead ${round}` })
      const tries = await Promise.allSettled(Array.from({ length: 6 }, () => acquire()))
      const locks = tries.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
      expect(locks).toHaveLength(1)
      await locks[0]?.release()
    }
    expect(readdirSync(dirname(path))).toEqual([])
  })

  it('is taken over when it has not changed for long enough, where that is wanted', async () => {
    await leave({ host: 'elsewhere' })
    const lock = await acquire({ waitMs: 20_000, staleAfterMs: 200 })
    expect(await lock.held()).toBe(true)
    expect(JSON.parse(readFileSync(path, 'utf8')).host).toBe(hostname())
  })

  it('is taken over when a holder died before it had written its name', async () => {
    await (await acquire()).release()
    writeFileSync(path, '')
    utimesSync(path, 1, 1)
    expect(await (await acquire()).held()).toBe(true)
  })

  it('tells a holder that it lost the lock, and lets it take nothing away from the next one', async () => {
    const lost = await acquire()
    const next = await acquire({ waitMs: 20_000, staleAfterMs: 1 })
    expect([await lost.held(), await next.held()]).toEqual([false, true])
    await lost.release()
    expect(await next.held()).toBe(true)
  })

  it.each([
    ['a folder', () => mkdirSync(path, { recursive: true })],
    [
      'a dangling link',
      () => {
        mkdirSync(dirname(path))
        symlinkSync('nowhere/at/all', path)
      }
    ]
  ])('gives up where %s is in its place, and leaves that alone', async (_, put) => {
    put()
    if (lstatSync(path).isDirectory()) utimesSync(path, 1, 1)
    await expect(acquire()).rejects.toMatchObject({ code: 'locked' })
    expect(readdirSync(dirname(path))).toEqual(['x.lock'])
  })

  it('stops waiting when it is told to', async () => {
    await acquire()
    await expect(acquire({ waitMs: 60_000, signal: AbortSignal.timeout(100) })).rejects.toThrow()
    expect(existsSync(path)).toBe(true)
  })
})
