import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Health } from '../../../src/model/observation.ts'
import type { SignalReading } from '../../../src/model/signal.ts'
import { recordWatch } from '../../../src/rollback/watch/record-watch.ts'
import { type Look, watch } from '../../../src/rollback/watch/watch.ts'
import { newShelf, type Shelf, shelfTarget } from '../../../testkit/in-memory-target.ts'
import { engine, success } from '../engine-harness.ts'

const minute = 60_000

/** What the shelf is like at a look, from 1. */
type Course = (look: number, shelf: Shelf) => Partial<Health> | undefined

async function watched(
  course: Course,
  { history = [success('1.1.0', '2026-03-10T12:00:00.000Z')], forMs = minute, stopAt = 0 } = {}
) {
  const shelf = newShelf({ health: { '1.2.0': 'healthy', '1.1.0': 'healthy' } })
  const target = shelfTarget(shelf)
  const stop = new AbortController()
  let look = 0
  const observe: typeof target.observe = async (signal) => {
    look += 1
    if (look === stopAt) stop.abort(new Error('stopped'))
    const parts = course(look, shelf)
    const { observation, state } = await target.observe(signal)
    return {
      observation: { ...observation, snapshot: { port: 80 }, health: { ...observation.health, ...parts } },
      state
    }
  }
  const made = await engine(shelf, { history, target: { ...target, observe } })
  const file = join(made.session.projectDir, 'watches/shelf.json')
  const looks: Look[] = []
  const continued: number[] = []
  const run = () =>
    watch(made.session, {
      forMs,
      file,
      signal: stop.signal,
      look: (one) => void looks.push(one),
      continues: (_, ms) => void continued.push(ms)
    })
  return { ...made, shelf, file, looks, continued, run }
}

const signal = (state: SignalReading['state'], more: Partial<SignalReading> = {}): SignalReading => ({
  name: 'error rate',
  state,
  message: state === 'unknown' ? 'no answer' : '8.3 % since 14:02 UTC (limit 5 %)',
  proof: 'unverified',
  ...more
})

/** As the observation of a target with signals shows one. */
const withSignal = (state: SignalReading['state'], more: Partial<SignalReading> = {}): Partial<Health> => {
  const one = signal(state, more)
  return state === 'bad'
    ? {
        state: 'degraded',
        message: `healthy; error rate ${one.message}`,
        since: '2026-03-18T14:33:00.000Z',
        signals: [one]
      }
    : { signals: [one] }
}

test('what serves well for the whole time is a success, with its digest and configuration, once', async () => {
  const { run, session, records, file } = await watched(() => undefined)
  const end = await run()
  expect(end).toMatchObject({ verdict: 'well', watchedMs: minute })
  expect(await recordWatch(session, end)).toBe(true)
  expect(records).toEqual([{ version: '1.2.0', status: 'success', digest: 'sha256:1.2.0', snapshot: { port: 80 } }])
  expect(existsSync(file)).toBe(false)
  const again = { ...session, history: [{ ...success('1.2.0', '2026-03-18T14:36:00.000Z'), digest: 'sha256:1.2.0' }] }
  expect(await recordWatch(again, end)).toBe(false)
})

test('a bad signal is a failure at once, with what was seen since when', async () => {
  const { run, session, records, looks } = await watched((look) => (look < 5 ? undefined : withSignal('bad')))
  const end = await run()
  expect(end).toMatchObject({ verdict: 'failed', since: '2026-03-18T14:33:00.000Z' })
  expect(looks.map(({ state }) => state)).toEqual(['well', 'well', 'well', 'well', 'failed'])
  await recordWatch(session, end)
  expect(records).toEqual([
    {
      version: '1.2.0',
      status: 'failed',
      digest: 'sha256:1.2.0',
      error: 'healthy; error rate 8.3 % since 14:02 UTC (limit 5 %)'
    }
  ])
})

test('a health that fails for a moment is no failure, one that fails for ten seconds is', async () => {
  const down = { state: 'down' as const, message: 'web is down' }
  const moment = await watched((look) => (look > 3 && look < 9 ? down : undefined))
  expect(await moment.run()).toMatchObject({ verdict: 'well' })
  const longer = await watched((look) => (look > 3 ? down : undefined))
  const end = await longer.run()
  expect(end).toMatchObject({ verdict: 'failed', why: 'web is down' })
  expect(longer.looks.filter(({ state }) => state === 'not well')).toHaveLength(10)
})

test('what is starting or unknown is not counted as served well', async () => {
  const { run, looks } = await watched((look) =>
    look < 20 ? { state: 'progressing', message: 'starting' } : undefined
  )
  expect(await run()).toMatchObject({ verdict: 'well', watchedMs: minute })
  expect(looks).toHaveLength(79)
})

test('a signal that stays unknown ends inconclusive, and nothing is recorded', async () => {
  const { run, session, records } = await watched(() => withSignal('unknown'))
  const end = await run()
  expect(end).toMatchObject({ verdict: 'inconclusive', why: expect.stringContaining('error rate unknown (no answer)') })
  expect(await recordWatch(session, end)).toBe(false)
  expect(records).toEqual([])
})

test('an unknown signal that deploy.json ignores does not hold a watch up', async () => {
  const { run } = await watched(() => withSignal('unknown', { proof: 'ignore' }))
  expect(await run()).toMatchObject({ verdict: 'well' })
})

test('a watch does not end well while a signal is over its limit', async () => {
  const { run, looks } = await watched((look) => (look > 50 && look < 70 ? withSignal('pending') : undefined))
  expect(await run()).toMatchObject({ verdict: 'well' })
  expect(looks).toHaveLength(70)
})

test('a signal that was bad before the version was deployed is neither failure nor success', async () => {
  const { run } = await watched(() => withSignal('bad', { older: true }))
  expect(await run()).toMatchObject({ verdict: 'inconclusive' })
})

test('a target that does not answer is unknown, and may come back', async () => {
  const { run, looks } = await watched((look, shelf) => {
    shelf.silent = look > 5 && look < 10
    return undefined
  })
  expect(await run()).toMatchObject({ verdict: 'well' })
  expect(looks.map(({ state }) => state)).toContain('unknown')
})

test('another version in the middle ends it, and nothing is recorded', async () => {
  const { run } = await watched((look, shelf) => {
    if (look > 10) shelf.serving = '1.1.0'
    return undefined
  })
  expect(await run()).toMatchObject({ verdict: 'inconclusive', why: '1.1.0 serves now' })
})

test('nothing in its place for a moment is no failure, and for ten seconds is one', async () => {
  const without = (from: number, until: number) =>
    watched((look, shelf) => {
      shelf.serving = look > from && look < until ? 'none' : '1.2.0'
      return shelf.serving === 'none' ? { state: 'down', message: 'nothing serves' } : undefined
    })
  expect(await (await without(3, 8)).run()).toMatchObject({ verdict: 'well' })
  expect(await (await without(3, 99)).run()).toMatchObject({ verdict: 'failed', why: 'nothing serves' })
})

test('a machine that slept did not watch', async () => {
  const { run, clock, looks } = await watched((look) => void (look === 5 && clock.advance(10 * minute)))
  expect(await run()).toMatchObject({ verdict: 'well' })
  expect(looks.length).toBeGreaterThan(40)
})

test('a record that cannot be written does not end a watch', async () => {
  const { run, session } = await watched(() => undefined)
  await writeFile(join(session.projectDir, 'watches'), 'a file in place of the folder')
  expect(await run()).toMatchObject({ verdict: 'well' })
})

test('it goes on where its process ended; what nobody watched does not count', async () => {
  const { run, file, session, clock, continued, looks } = await watched(() => undefined, { stopAt: 30 })
  await expect(run()).rejects.toThrow('stopped')
  const kept = JSON.parse(await readFile(file, 'utf8'))
  expect(kept).toMatchObject({ target: 'shelf', version: '1.2.0', id: 'sha256:1.2.0' })
  expect(kept.watched_ms).toBeGreaterThan(20_000)
  clock.advance(10 * minute)
  const before = looks.length
  const end = await watch(session, {
    forMs: minute,
    file,
    signal: new AbortController().signal,
    look: (one) => void looks.push(one),
    continues: (_, ms) => void continued.push(ms)
  })
  expect(end).toMatchObject({ verdict: 'well', watchedMs: minute })
  expect(continued).toEqual([kept.watched_ms])
  expect(looks.length - before).toBeLessThan(45)
})

test.each([
  ['another version', { version: '1.1.0' }],
  ['another image of the same version', { id: 'sha256:other' }],
  ['the future', { seen_at: '2026-03-19T00:00:00.000Z' }],
  ['long ago', { seen_at: '2026-03-10T00:00:00.000Z' }],
  ['more than it can have watched', { watched_ms: 90_000 }]
])('a record of %s is not gone on with', async (_, parts) => {
  const { run, file, continued } = await watched(() => undefined)
  await run()
  const record = {
    target: 'shelf',
    version: '1.2.0',
    id: 'sha256:1.2.0',
    begun_at: '2026-03-18T14:34:00.000Z',
    seen_at: '2026-03-18T14:34:50.000Z',
    watched_ms: 40_000
  }
  await writeFile(file, JSON.stringify({ ...record, ...parts }))
  await run()
  expect(continued).toEqual([])
  await writeFile(file, JSON.stringify(record))
  await run()
  expect(continued).toEqual([40_000])
})
