import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { missingConditions } from '../../../src/rollback/guard/refusals.ts'
import { withSignals } from '../../../src/rollback/signals/with-signals.ts'
import { verify } from '../../../src/rollback/verify.ts'
import { signalsOf } from '../../../src/signals/signal-schema.ts'
import { newShelf, type Shelf } from '../../../testkit/in-memory-target.ts'
import { engine, goodHistory, success } from '../engine-harness.ts'

const served = goodHistory.filter(({ status }) => status === 'success')
/** All is well by what the shelf itself says. */
const healthy = (): Shelf => newShelf({ health: { '1.2.0': 'healthy', '1.1.0': 'healthy', '1.0.0': 'healthy' } })

/** An engine whose store gives each version of the shelf its error rate; null is a store without an answer. */
async function measured(
  shelf: Shelf,
  rates: Record<string, number | null>,
  { more = {}, history = served, since = '' } = {}
) {
  const server = createServer(({ url = '' }, response) => {
    const rate = rates[shelf.serving]
    const asked = new URL(url, 'http://store').searchParams
    const [from, until, step] = [asked.get('start'), asked.get('end'), asked.get('step')].map(Number) as [
      number,
      number,
      number
    ]
    if (rate == null) return void response.writeHead(503).end()
    const values: [number, string][] = []
    for (let at = from; at <= until + 0.001; at += step)
      values.push([at, String(since && at * 1000 < Date.parse(since) ? 0.002 : rate)])
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [{ values }] } }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const signals = signalsOf('shelf', [
    { name: 'error rate', prometheus: { url, query: 'errors' }, above: 0.05, for: '10s', unit: 'ratio', ...more }
  ])
  const made = await engine(shelf, { history })
  const { session } = made
  const wrapped = withSignals(session.target, signals, history, { env: {}, clock: session.clock, mask: session.mask })
  Object.assign(session, wrapped)
  return made
}

test('a healthy version with a bad signal has failed, since the signal went bad, and may be rolled back unattended', async () => {
  const shelf = healthy()
  const { assess } = await measured(shelf, { '1.2.0': 0.083 }, { since: '2026-03-18T14:20:00.000Z' })
  const assessment = await assess()
  expect(assessment).toMatchObject({
    failed: true,
    health: { state: 'degraded', since: expect.stringMatching(/^2026-03-18T14:20:0/) }
  })
  expect(assessment.health.message).toBe(
    'the shelf says healthy; error rate 8.3 % since 14:20 UTC (limit 5 %), 0.2 % under 1.1.0'
  )
  expect(assessment.risks).toEqual([])
  expect(missingConditions(assessment, true)).toEqual([])
})

test('a good signal changes nothing', async () => {
  const { assess } = await measured(healthy(), { '1.2.0': 0.002 })
  expect(await assess()).toMatchObject({ failed: false, risks: [{ id: 'current_healthy' }] })
})

test('an unknown signal is named, and is no failure', async () => {
  const { assess } = await measured(healthy(), { '1.2.0': null })
  const assessment = await assess()
  expect(assessment).toMatchObject({ failed: false, health: { state: 'healthy' } })
  expect(assessment.notes).toContainEqual(
    expect.stringMatching(/^The signal "error rate" is unknown: .* answers 503\.$/)
  )
  expect(missingConditions(assessment, true)).toEqual([
    'the current version has not failed (healthy: the shelf says healthy)'
  ])
})

/** What the target says of when 1.2.0 was deployed. */
function deployedAt(shelf: Shelf, at: string): Shelf {
  shelf.releases = shelf.releases.map((release) =>
    release.version === '1.2.0' ? { ...release, served: { from: at, source: 'shelf' } } : release
  )
  return shelf
}

test('a signal that was as bad before the version was deployed is a serious risk, so that nobody rolls back unattended', async () => {
  const shelf = deployedAt(healthy(), '2026-03-18T14:30:00.000Z')
  const { assess } = await measured(shelf, { '1.2.0': 0.083 }, { since: '2026-03-18T14:20:00.000Z' })
  const assessment = await assess()
  expect(assessment.risks).toEqual([expect.objectContaining({ id: 'signals_older', serious: true })])
  expect(missingConditions(assessment, true)).toEqual(['a person must accept these serious risks: signals_older'])
})

test('a rollback is proven by the signal', async () => {
  const shelf = healthy()
  const { rollBack, session } = await measured(shelf, { '1.2.0': 0.083, '1.1.0': 0.002 })
  const result = await rollBack()
  expect(result).toMatchObject({ outcome: 'succeeded' })
  expect(result.checks).toContainEqual({
    id: 'signal:error-rate',
    title: 'Signal: error rate',
    status: 'pass',
    detail: '0.2 % (limit 5 %)'
  })
  const { signal } = new AbortController()
  expect(await verify(session, { soakMs: 0, signal })).toMatchObject({ verdict: 'healthy' })
})

test.each([
  ['a signal that stays bad', 0.083, {}, 'unverified'],
  ['a signal that cannot be read', null, {}, 'unverified'],
  ['an unread signal that deploy.json ignores', null, { proof: 'ignore' }, 'succeeded'],
  ['an unread signal that would fail a rollback', null, { proof: 'fail' }, 'unverified'],
  ['a bad signal that deploy.json lets fail', 0.083, { proof: 'fail' }, 'stuck']
] as const)('%s after a rollback (%s, %j) ends it %s', async (_, rate, more, outcome) => {
  const shelf = healthy()
  const { rollBack } = await measured(shelf, { '1.2.0': 0.083, '1.1.0': rate }, { more })
  expect(await rollBack()).toMatchObject({ outcome })
  expect(shelf.serving).toBe('1.1.0')
})

test('a signal that still shows the version before is waited for, and the person hears at once that the version serves', async () => {
  const shelf = healthy()
  const rates: Record<string, number> = { '1.2.0': 0.083, '1.1.0': 0.083 }
  const { rollBack, clock } = await measured(shelf, rates, { more: { for: '60s' } })
  const said: string[] = []
  const began = clock.now().getTime()
  const result = await rollBack(
    {},
    {
      report: ({ state, detail = '' }) => {
        if (state === 'serving' || state === 'working') said.push(`${state}: ${detail}`)
        if (clock.now().getTime() - began > 40_000) rates['1.1.0'] = 0.002
      }
    }
  )
  expect(result.outcome).toBe('succeeded')
  expect(said[0]).toMatch(/^serving: 1\.1\.0 serves since/)
  expect(said[1]).toMatch(/^working: it serves, and Signal: error rate: 8\.3 % .*, checking for another 1m 15s$/)
  expect(clock.now().getTime() - began).toBeLessThan(60_000)
})

test('a store that is down keeps a rollback no longer than its soak', async () => {
  const { rollBack, clock } = await measured(healthy(), { '1.2.0': 0.083, '1.1.0': null }, { more: { for: '60s' } })
  const began = clock.now().getTime()
  expect(await rollBack()).toMatchObject({ outcome: 'unverified' })
  expect(clock.now().getTime() - began).toBeLessThan(15_000)
})

test('verify calls a version with a bad signal unhealthy', async () => {
  const shelf = healthy()
  const { session } = await measured(shelf, { '1.2.0': 0.083 })
  const { signal } = new AbortController()
  const { verdict, checks } = await verify(session, { soakMs: 0, signal })
  expect(verdict).toBe('unhealthy')
  expect(checks.at(-1)).toMatchObject({
    title: 'Signal: error rate',
    status: 'fail',
    detail: expect.stringContaining('8.3 %')
  })
})

test('worse_than_before compares with the time that the history gives the candidate', async () => {
  const shelf = healthy()
  const history = [success('1.2.0', '2026-03-18T14:00:00.000Z'), ...served]
  const more = { above: undefined, worse_than_before: 1.5 }
  const { assess } = await measured(shelf, { '1.2.0': 0.004 }, { more, history, since: '2026-03-18T14:10:00.000Z' })
  expect((await assess()).health.message).toBe(
    'the shelf says healthy; error rate 0.4 % since 14:10 UTC (limit 0.3 %), 0.2 % under 1.1.0'
  )
})

test('a target without an answer is no reason to wait for its signals', async () => {
  const shelf = newShelf({ silent: true })
  const { assess } = await measured(shelf, { '1.2.0': 0.083 })
  await expect(assess()).rejects.toThrow('The shelf does not answer')
})
