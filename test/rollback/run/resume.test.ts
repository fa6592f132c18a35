import { readdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import type { ResumeKind } from '../../../src/rollback/journal/interrupted.ts'
import { type Interrupted, resumeOption } from '../../../src/rollback/journal/interrupted.ts'
import { readJournals } from '../../../src/rollback/journal/journal.ts'
import { verify } from '../../../src/rollback/verify.ts'
import { snakeCase } from '../../../src/support/casing.ts'
import { newShelf, release, type Shelf } from '../../../testkit/in-memory-target.ts'
import { deadHolder } from '../../harness/lease.ts'
import { type Engine, engine } from '../engine-harness.ts'

/** Held by the module, so that what waits for it is not collected and its files are not closed behind its back. */
const never = new Promise<void>(() => undefined)

const planIdOf = (interrupted: Interrupted | null, kind: ResumeKind): string =>
  (interrupted && resumeOption(interrupted, kind)?.id) ?? ''

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

  test(`killed ${when}, the rollback is named and can be finished`, async () => {
    const shelf = newShelf()
    const dead = await engine(shelf)
    await dieAt({ verb: 'apply', step, after }, shelf, dead)
    const next = await successor(shelf, dead)
    const { interrupted, plan } = await next.assess()
    expect(plan).toBeNull()
    const result = await next.rollBack({ version: '1.1.0', planId: planIdOf(interrupted, 'finish') })
    expect(result.outcome).toBe('succeeded')
    expect(shelf.serving).toBe('1.1.0')
    expect((await next.assess()).interrupted).toBeNull()
  })

  if (step === 'clean') continue
  test(`killed ${when}, the rollback can be undone`, async () => {
    const shelf = newShelf()
    const dead = await engine(shelf)
    await dieAt({ verb: 'apply', step, after }, shelf, dead)
    const next = await successor(shelf, dead)
    const { interrupted } = await next.assess()
    const result = await next.rollBack({ version: '1.2.0', planId: planIdOf(interrupted, 'undo') })
    expect(result.outcome).toBe('undone')
    expect(shelf.serving).toBe('1.2.0')
    expect(shelf.fetched).toEqual([])
    expect((await next.assess()).interrupted).toBeNull()
  })
}

test('what only a person can undo is not called undone', async () => {
  const shelf = newShelf({ manualBack: ['Turn the key back.'] })
  const dead = await engine(shelf)
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  const next = await successor(shelf, dead)
  const { interrupted } = await next.assess()
  const result = await next.rollBack({ version: '1.2.0', planId: planIdOf(interrupted, 'undo') })
  expect(result.outcome).toBe('stuck')
  expect(result.state).toContain('Turn the key back.')
  expect(shelf.serving).toBe('1.1.0')
})

test('once cleaning up has begun, undoing is no longer offered', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf)
  await dieAt({ verb: 'apply', step: 'clean', after: false }, shelf, dead)
  const { interrupted } = await (await successor(shelf, dead)).assess()
  expect(interrupted?.options.map(({ kind }) => kind)).toEqual(['finish'])
})

test('an interrupted rollback comes before any other', async () => {
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

test('a rollback begun on another machine is known from its mark on the target', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf, { leases: true })
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  if (shelf.lease) shelf.lease.expired = true
  const elsewhere = await engine(shelf, { leases: true })
  const { interrupted } = await elsewhere.assess()
  expect(interrupted).toMatchObject({ knownFrom: 'target', to: { version: '1.1.0' } })
  const result = await elsewhere.rollBack({ version: '1.2.0', planId: planIdOf(interrupted, 'undo') })
  expect(result.outcome).toBe('undone')
  expect(shelf.serving).toBe('1.2.0')
  expect(shelf.lease).toBeUndefined()
  const [record] = (await readJournals(elsewhere.session.files.journals)).records
  expect(record?.ended?.outcome).toBe('undone')
})

test('a live lease of another machine blocks', async () => {
  const begun = snakeCase({ event: 'begun' }) as JsonObject
  const holder = { host: `not-${hostname()}`, pid: 1, user: 'ann' }
  const record = { rollbackId: 'rb-20260318-143500-shelf', holder, startedAt: '2026-03-18T14:35:00.000Z', begun }
  const shelf = newShelf({ lease: { record, expired: false } })
  const { assess, rollBack, session } = await engine(shelf, { leases: true })
  expect((await assess()).blockers).toMatchObject([{ id: 'running', why: expect.stringContaining('ann') }])
  await expect(rollBack()).rejects.toMatchObject({ code: 'running' })
  await expect(readdir(session.files.journals)).rejects.toThrow()
})

test('a lease taken in the last moment refuses the rollback before anything is done', async () => {
  const shelf = newShelf()
  const { rollBack, session } = await engine(shelf, { leases: true })
  const holder = { host: 'elsewhere', pid: 1, user: 'ann' }
  const taken = async () => {
    shelf.lease = { record: { rollbackId: 'rb-x', holder, startedAt: '', begun: {} }, expired: false }
  }
  await expect(rollBack({}, { consent: taken })).rejects.toMatchObject({ code: 'locked' })
  expect(shelf.log).toEqual([])
  const [record] = (await readJournals(session.files.journals)).records
  expect(record?.ended?.outcome).toBe('refused')
})

test('what another call has ended while the question was open is not undone', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf)
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  const [one, two] = [await successor(shelf, dead), await successor(shelf, dead)]
  const { interrupted } = await one.assess()
  const finishedMeanwhile = async () => {
    const result = await two.rollBack({ version: '1.1.0', planId: planIdOf(interrupted, 'finish') })
    expect(result.outcome).toBe('succeeded')
  }
  const undo = one.rollBack({ version: '1.2.0', planId: planIdOf(interrupted, 'undo') }, { consent: finishedMeanwhile })
  await expect(undo).rejects.toMatchObject({ code: 'ended_meanwhile', why: expect.stringContaining('succeeded') })
  expect(shelf.serving).toBe('1.1.0')
  expect(shelf.log).not.toContain('revert switch')
})

test('a target that was changed while the question was open is left alone', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf)
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  const next = await successor(shelf, dead)
  const { interrupted } = await next.assess()
  const deployedMeanwhile = async () => {
    shelf.extraFingerprint = { template: 'changed' }
  }
  const log = [...shelf.log]
  const undo = next.rollBack(
    { version: '1.2.0', planId: planIdOf(interrupted, 'undo') },
    { consent: deployedMeanwhile }
  )
  await expect(undo).rejects.toMatchObject({ code: 'stale_plan' })
  expect(shelf.log).toEqual(log)
  expect((await next.assess()).interrupted?.rollbackId).toBe(interrupted?.rollbackId)
})

test('an interrupted rollback that another machine carries on is said to be running, not offered', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf, { leases: true })
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  const next = await successor(shelf, dead, true)
  const marked = shelf.lease
  if (!marked) throw new Error('no lease')
  shelf.lease = { ...marked, record: { ...marked.record, holder: deadHolder() } }
  const { interrupted } = await next.assess()
  const takenUpElsewhere = async () => {
    shelf.lease = { ...marked, record: { ...marked.record, holder: { host: 'elsewhere', pid: 1, user: 'ann' } } }
  }
  const log = [...shelf.log]
  const undo = next.rollBack({ version: '1.2.0', planId: planIdOf(interrupted, 'undo') }, { consent: takenUpElsewhere })
  await expect(undo).rejects.toMatchObject({ code: 'running', why: expect.stringContaining('ann on elsewhere') })
  expect(shelf.log).toEqual(log)
  const seen = await next.assess()
  expect(seen.interrupted).toBeNull()
  expect(seen.blockers).toMatchObject([{ id: 'running' }])
})

test('a rollback whose holder on this machine is dead is taken up at once, live lease or not', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf, { leases: true })
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  if (shelf.lease) shelf.lease = { ...shelf.lease, record: { ...shelf.lease.record, holder: deadHolder() } }
  const next = await successor(shelf, dead, true)
  const { interrupted } = await next.assess()
  const result = await next.rollBack({ version: '1.1.0', planId: planIdOf(interrupted, 'finish') })
  expect(result.outcome).toBe('succeeded')
  expect(shelf.lease).toBeUndefined()
})

test('a version deployed since is never replaced; the interrupted rollback can only be closed', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf)
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  shelf.releases.push(release('1.3.0'))
  shelf.health['1.3.0'] = 'healthy'
  shelf.serving = '1.3.0'
  const next = await successor(shelf, dead)
  const { interrupted } = await next.assess()
  expect(interrupted?.options.map(({ kind, version }) => `${kind} ${version}`)).toEqual(['close 1.3.0'])
  expect(interrupted?.reasons.join()).toContain('1.3.0 is deployed since')
  const log = [...shelf.log]
  const result = await next.rollBack({ version: '1.3.0', planId: planIdOf(interrupted, 'close') })
  expect(result).toMatchObject({ outcome: 'cancelled', state: expect.stringContaining('closed') })
  expect(shelf.log).toEqual(log)
  expect(next.records).toEqual([])
  const after = await next.assess()
  expect(after.interrupted).toBeNull()
  const signal = AbortSignal.timeout(10_000)
  expect((await verify(next.session, { soakMs: 0, signal })).release.version).toBe('1.3.0')
})

test('a mixture of two releases is not a new deployment', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf)
  await dieAt({ verb: 'apply', step: 'switch', after: false }, shelf, dead)
  shelf.releases.push(release('mixed'))
  Object.assign(shelf, { serving: 'mixed', mixedReleases: true })
  const { interrupted } = await (await successor(shelf, dead)).assess()
  expect(interrupted?.options.map(({ kind }) => kind)).toEqual(['finish', 'undo'])
})

test('what another machine has ended is not offered to be undone where it was begun', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf, { leases: true })
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  if (shelf.lease) shelf.lease = { ...shelf.lease, expired: true }
  const elsewhere = await engine(shelf, { leases: true })
  const seen = await elsewhere.assess()
  await elsewhere.rollBack({ version: '1.1.0', planId: planIdOf(seen.interrupted, 'finish') })
  const here = await successor(shelf, dead, true)
  const { interrupted } = await here.assess()
  expect(interrupted?.options.map(({ kind, version }) => `${kind} ${version}`)).toEqual(['close 1.1.0'])
  expect(interrupted?.reasons.join()).toContain('another machine seems to have ended it')
  await here.rollBack({ version: '1.1.0', planId: planIdOf(interrupted, 'close') })
  expect(shelf.serving).toBe('1.1.0')
  expect((await here.assess()).interrupted).toBeNull()
})

test('closing leaves the mark of another rollback where it is', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf, { leases: true })
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  const holder = { host: 'elsewhere', pid: 1, user: 'ann' }
  const other = { rollbackId: 'rb-other', holder, startedAt: '', begun: {} }
  shelf.lease = { record: other, expired: true }
  const here = await successor(shelf, dead, true)
  const { interrupted } = await here.assess()
  await here.rollBack({ version: '1.1.0', planId: planIdOf(interrupted, 'close') })
  expect(shelf.lease.record).toEqual(other)
})

test('once cleaning up has begun, undoing is not offered on another machine either', async () => {
  const shelf = newShelf()
  const dead = await engine(shelf, { leases: true })
  await dieAt({ verb: 'apply', step: 'clean', after: false }, shelf, dead)
  if (shelf.lease) shelf.lease = { ...shelf.lease, expired: true }
  const elsewhere = await engine(shelf, { leases: true })
  const { interrupted } = await elsewhere.assess()
  expect(interrupted?.options.map(({ kind }) => kind)).toEqual(['finish'])
})

test('what fails while it is finished is not undone once cleaning up has begun', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'healthy' } })
  const dead = await engine(shelf)
  await dieAt({ verb: 'apply', step: 'clean', after: false }, shelf, dead)
  shelf.health['1.1.0'] = 'down'
  const next = await successor(shelf, dead)
  const { interrupted } = await next.assess()
  const result = await next.rollBack({ version: '1.1.0', planId: planIdOf(interrupted, 'finish') })
  expect(result).toMatchObject({ outcome: 'stuck', state: expect.stringContaining('the cleanup had begun') })
  expect(shelf.log).not.toContain('revert switch')
})

test('a switch begun before the interruption is undone with the rest, and not called untouched', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'healthy', '1.1.0': 'degraded' } })
  const dead = await engine(shelf)
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  const next = await successor(shelf, dead)
  const { interrupted } = await next.assess()
  shelf.beforeStep = (verb) => {
    if (verb === 'apply') throw new Error('jammed')
  }
  const cancel = new AbortController()
  const consent = async () => cancel.abort()
  const result = await next.rollBack(
    { version: '1.1.0', planId: planIdOf(interrupted, 'finish') },
    { consent, cancel: cancel.signal }
  )
  expect(result).toMatchObject({ outcome: 'undone', state: expect.stringContaining('1.2.0 is back as it was') })
  expect(shelf.serving).toBe('1.2.0')
})

test('a resumption says that the switch had failed and was being undone, and offers to go on with that first', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'down' } })
  const dead = await engine(shelf)
  await dieAt({ verb: 'revert', step: 'switch', after: false }, shelf, dead)
  const { interrupted } = await (await successor(shelf, dead)).assess()
  expect(interrupted?.reasons).toEqual(['It had failed ("Health: down") and was being undone.'])
  expect(interrupted?.options.map(({ kind }) => kind)).toEqual(['undo', 'finish'])
})

test('what was being undone may be half undone: a finish does it again', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'down' } })
  const dead = await engine(shelf)
  await dieAt({ verb: 'revert', step: 'switch', after: false }, shelf, dead)
  shelf.health['1.1.0'] = 'healthy'
  shelf.log = []
  const next = await successor(shelf, dead)
  const { interrupted } = await next.assess()
  const result = await next.rollBack({ version: '1.1.0', planId: planIdOf(interrupted, 'finish') })
  expect(result.outcome).toBe('succeeded')
  expect(shelf.log).toEqual(['apply switch', 'apply clean'])
})

test('undoing stops, and claims nothing, once another run has taken the target over', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'healthy' } })
  const dead = await engine(shelf, { leases: true })
  await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
  if (shelf.lease) shelf.lease = { ...shelf.lease, expired: true }
  const next = await successor(shelf, dead, true)
  const { interrupted } = await next.assess()
  vi.useFakeTimers({ toFake: ['setInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  shelf.leaseLost = true
  shelf.beforeStep = async (_, __, { signal }) => {
    vi.advanceTimersByTime(60_000)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    signal.throwIfAborted()
  }
  const result = await next.rollBack({ version: '1.2.0', planId: planIdOf(interrupted, 'undo') })
  expect(result).toMatchObject({ outcome: 'stuck', state: expect.stringContaining('taken this target over') })
  expect(shelf.serving).toBe('1.1.0')
})

test('undoing is called undone only when the target shows the earlier state, serving no worse', async () => {
  const undone = async (spoil: (shelf: Shelf) => void) => {
    const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'healthy' } })
    const dead = await engine(shelf)
    await dieAt({ verb: 'apply', step: 'switch', after: true }, shelf, dead)
    const next = await successor(shelf, dead)
    const { interrupted } = await next.assess()
    shelf.beforeStep = () => spoil(shelf)
    return next.rollBack({ version: '1.2.0', planId: planIdOf(interrupted, 'undo') })
  }
  expect(await undone(() => undefined)).toMatchObject({ outcome: 'undone' })
  const worse = await undone(({ health }) => void Object.assign(health, { '1.2.0': 'down' }))
  expect(worse).toMatchObject({ outcome: 'stuck', state: expect.stringContaining('degraded before and is down now') })
  const away = await undone((shelf) => void Object.assign(shelf, { surveyFails: true }))
  expect(away).toMatchObject({ outcome: 'stuck', state: expect.stringContaining('the state now is unknown') })
})
