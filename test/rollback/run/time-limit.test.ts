import { expect, test } from 'vitest'
import { renderRollback } from '../../../src/render/rollback.ts'
import { slowStops } from '../../../src/rollback/assess/slow-stops.ts'
import { newShelf } from '../../../testkit/in-memory-target.ts'
import { engine } from '../engine-harness.ts'

const minute = 60_000

test('a rollback that reaches its limit is undone, for which that is not too short, and says so first', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'down' } })
  const { rollBack, clock } = await engine(shelf)
  const reverting: boolean[] = []
  shelf.beforeStep = (verb, { id }, { signal }) => {
    if (id === 'fetch' && verb === 'apply') return
    clock.advance(2 * minute)
    if (verb === 'revert') return void reverting.push(signal.aborted)
    shelf.serving = '1.1.0'
    signal.throwIfAborted()
  }
  const result = await rollBack()
  expect(result).toMatchObject({ outcome: 'undone' })
  expect(reverting).toEqual([false, false])
  expect(shelf.serving).toBe('1.2.0')
  const { summary } = renderRollback(result, { version: '1.1.0', plan_id: 'plan' })
  expect(summary).toContain(
    'The time limit of 1m 0s (limit_minutes) was reached at "Switching". 1.2.0 is back as it was.'
  )
  expect(summary).toContain('Next: Raise targets.shelf.config.rollback.limit_minutes in deploy.json')
  expect(summary).not.toContain('aborted')
})

test('a time limit that is reached in the checks is named before what is unknown', async () => {
  const shelf = newShelf()
  const { rollBack, clock } = await engine(shelf)
  shelf.healthAtLook = () => {
    clock.advance(2 * minute)
    return 'healthy'
  }
  expect(await rollBack()).toMatchObject({
    outcome: 'unverified',
    state: expect.stringMatching(
      /^The time limit of 1m 0s \(limit_minutes\) was reached at the health check\. 1\.1\.0 is in/
    )
  })
})

test('stops that may take longer than the time limit are a serious risk with both numbers and what to raise', async () => {
  const { session } = await engine(newShelf())
  const draft = { steps: [], risks: [], blockers: [], fingerprint: '', notes: [] }
  const within = (ms: number) => slowStops(session, { ...draft, stops: { ms, parts: ['web gets 1m 15s to stop'] } })
  const [risk] = within(75_000)
  expect(risk).toMatchObject({ id: 'time_limit', serious: true })
  expect(risk?.title).toBe('Stopping may take 1m 15s, and the time limit is 1m 0s')
  expect(risk?.detail).toMatch(
    /web gets 1m 15s to stop; .*soak of 10s.* targets\.shelf\.config\.rollback\.limit_minutes .* to 4 /
  )
  expect(within(50_000)).toHaveLength(1)
  expect(within(49_000)).toEqual([])
  expect(slowStops(session, draft)).toEqual([])
})
