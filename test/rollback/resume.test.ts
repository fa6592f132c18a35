import { readdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/model/json.ts'
import { readStories } from '../../src/rollback/journal.ts'
import { snakeCase } from '../../src/support/casing.ts'
import { type Engine, engine } from './engine-harness.ts'
import { newShelf, type Shelf } from './shelf-target.ts'

/** Held by the module, so that what waits for it is not collected and its files are not closed behind its back. */
const never = new Promise<void>(() => undefined)

/** Lets a rollback die at a step: the promise never settles, the journal ends there, and the lock is as a dead process leaves it. */
async function dieAt(
  where: { verb: 'apply' | 'revert'; step: string; after: boolean },
  shelf: Shelf,
  dying: Engine
): Promise<void> {
  const died = new Promise<void>((resolve) => {
    shelf.beforeStep = async (verb, { id }) => {
      if (verb !== where.verb || id !== where.step) return
      if (where.after && id === 'switch') shelf.serving = '1.1.0'
      resolve()
      await never
    }
  })
  void dying.rollBack()
  await died
  delete shelf.beforeStep
}

/** A fresh process that sees the same files and target, with the old one's lock gone stale. */
async function successor(shelf: Shelf, dead: Engine, leases = false): Promise<Engine> {
  const fresh = await engine(shelf, { leases })
  fresh.session.files = { ...dead.session.files, lock: join(dead.session.projectDir, 'another.lock') }
  return fresh
}

for (const [step, after] of [
  ['fetch', false],
  ['switch', false],
  ['switch', true],
  ['clean', false]
] as const) {
  const when = `${after ? 'after' : 'in'} the step ${step}`

  test(`promise 6: killed ${when}, the rollback is named and can be finished`, async () => {
    const shelf = newShelf()
    const dead = await engine(shelf)
    await dieAt({ verb: 'apply', step, after }, shelf, dead)
    const next = await successor(shelf, dead)
    const { interrupted, plan } = await next.assess()
    expect(plan).toBeNull()
    const result = await next.rollBack({ version: '1.1.0', planId: interrupted?.finish.id ?? '' })
    expect(result.outcome).toBe('succeeded')
    expect(shelf.serving).toBe('1.1.0')
    expect((await next.assess()).interrupted).toBeNull()
  })

  if (step === 'clean') continue
  test(`promise 6: killed ${when}, the rollback can be undone`, async () => {
    const shelf = newShelf()
    const dead = await engine(shelf)
    await dieAt({ verb: 'apply', step, after }, shelf, dead)
    const next = await successor(shelf, dead)
    const { interrupted } = await next.assess()
    const result = await next.rollBack({ version: '1.2.0', planId: interrupted?.undo?.id ?? '' })
    expect(result.outcome).toBe('restored')
    expect(shelf.serving).toBe('1.2.0')
    expect(shelf.fetched).toEqual([])
    expect((await next.assess()).interrupted).toBeNull()
  })
}

test('promise 9: what only a person can undo is not called undone', async () => {
  const shelf = newShelf({ manualBack: ['Turn the key back.'] })
  const dead = await engine(shelf)
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  const next = await successor(shelf, dead)
  const { interrupted } = await next.assess()
  const result = await next.rollBack({ version: '1.2.0', planId: interrupted?.undo?.id ?? '' })
  expect(result.outcome).toBe('stuck')
  expect(result.state).toContain('Turn the key back.')
  expect(shelf.serving).toBe('1.1.0')
})

test('promise 6: once cleaning up has begun, undoing is no longer offered', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf)
  await dieAt({ verb: 'apply', step: 'clean', after: false }, shelf, dead)
  const { interrupted } = await (await successor(shelf, dead)).assess()
  expect(interrupted?.undo).toBeNull()
})

test('promise 6: an interrupted rollback comes before any other', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf)
  await dieAt({ verb: 'apply', step: 'switch', after: false }, shelf, dead)
  const next = await successor(shelf, dead)
  const planId = 'plan-00000000-00000000-00000000-00000000'
  await expect(next.rollBack({ version: '1.0.0', planId })).rejects.toMatchObject({
    code: 'interrupted',
    next: expect.stringContaining('finish it')
  })
})

test('promise 6: a rollback begun on another machine is known from its mark on the target', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf, { leases: true })
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  if (shelf.lease) shelf.lease.expired = true
  const elsewhere = await engine(shelf, { leases: true })
  const { interrupted } = await elsewhere.assess()
  expect(interrupted).toMatchObject({ knownFrom: 'target', to: { version: '1.1.0' } })
  const result = await elsewhere.rollBack({ version: '1.2.0', planId: interrupted?.undo?.id ?? '' })
  expect(result.outcome).toBe('restored')
  expect(shelf.serving).toBe('1.2.0')
  expect(shelf.lease).toBeUndefined()
  const [story] = await readStories(elsewhere.session.files.journals)
  expect(story?.ended?.outcome).toBe('restored')
})

test('promise 7: a live lease of another machine blocks', async () => {
  const begun = snakeCase({ event: 'begun' }) as JsonObject
  const holder = { host: `not-${hostname()}`, pid: 1, user: 'ann' }
  const record = { rollbackId: 'rb-20260318-143500-shelf', holder, startedAt: '2026-03-18T14:35:00.000Z', begun }
  const shelf = newShelf({ lease: { record, expired: false } })
  const { assess, rollBack, session } = await engine(shelf, { leases: true })
  expect((await assess()).blockers).toMatchObject([{ id: 'running', why: expect.stringContaining('ann') }])
  await expect(rollBack()).rejects.toMatchObject({ code: 'running' })
  await expect(readdir(session.files.journals)).rejects.toThrow()
})

test('promise 7: a lease taken in the last moment refuses the rollback before anything is done', async () => {
  const shelf = newShelf()
  const { rollBack, session } = await engine(shelf, { leases: true })
  const holder = { host: 'elsewhere', pid: 1, user: 'ann' }
  const taken = async () => {
    shelf.lease = { record: { rollbackId: 'rb-x', holder, startedAt: '', begun: {} }, expired: false }
  }
  await expect(rollBack({}, { consent: taken })).rejects.toMatchObject({ code: 'locked' })
  expect(shelf.log).toEqual([])
  const [story] = await readStories(session.files.journals)
  expect(story?.ended?.outcome).toBe('refused')
})
