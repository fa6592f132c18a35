import { describe, expect, it } from 'vitest'
import type { Incident, IncidentRollback } from '../../src/incident/incident.ts'
import { outageOf } from '../../src/incident/outage.ts'
import { crashLoop } from './fixtures.ts'

const outage = (given: Partial<Incident>) => outageOf({ ...crashLoop, ...given })
const rollback = (given: Partial<IncidentRollback>): IncidentRollback => {
  const whole = crashLoop.rollback
  if (!whole) throw new Error('the fixture has a rollback')
  return { ...whole, ...given }
}
const down = { state: 'down' as const, message: 'm' }

describe('outageOf', () => {
  it('runs from the target’s own word to the passed checks', () => {
    expect(outage({})).toEqual({
      ms: 135_200,
      inferred: false,
      from: '2026-03-18T14:31:00.000Z',
      until: '2026-03-18T14:33:15.200Z',
      says: 'at least 2m 15s, from 2026-03-18T14:31:00.000Z (health: down since then) until 2026-03-18T14:33:15.200Z (journal: the checks of 1.1.0 passed)'
    })
  })

  it('begins at the earliest sign: a deployment that was recorded as failed before the target showed it', () => {
    const record = (at: string, version = '1.2.0', status = 'failed') => ({ at, target: 'docker', version, status })
    const history = [
      record('2026-03-18T14:25:00.000Z'),
      record('2026-03-18T14:21:00.000Z'),
      record('2026-03-18T14:00:00.000Z', '1.1.0', 'success'),
      record('2026-03-18T13:00:00.000Z')
    ]
    expect(outage({ history })).toMatchObject({
      from: '2026-03-18T14:21:00.000Z',
      says: expect.stringContaining('(history: the deployment of 1.2.0 failed then)')
    })
    // What served in between ended that failure.
    const served = record('2026-03-18T14:30:00.000Z', '1.2.0', 'success')
    expect(outage({ history: [served, ...history] }).from).toBe('2026-03-18T14:31:00.000Z')
  })

  it('begins where a signal went bad, and names the signal', () => {
    const since = '2026-03-18T14:30:50.000Z'
    const signal = { name: 'error rate', state: 'bad' as const, message: '8.3 %', since, proof: 'unverified' as const }
    expect(outage({ health: { state: 'degraded', message: 'm', since, signals: [signal] } }).says).toContain(
      `from ${since} (signal "error rate": bad since then)`
    )
  })

  it('counts the time in service where the target saw no failure, from the deployment that was recorded as failed, too', () => {
    const history = [{ at: '2026-03-18T14:30:45.000Z', target: 'docker', version: '1.2.0', status: 'failed' }]
    expect(outage({ health: { state: 'healthy', message: 'm' }, history }).says).toContain(
      '1.2.0 was in service for 2m 30s, from 2026-03-18T14:30:45.000Z (history: 1.2.0 was deployed then, failed)'
    )
  })

  it('says when it is inferred, and from what', () => {
    const inferred = outage({ health: down })
    expect(inferred.ms).toBe(150_200)
    expect(inferred.says).toMatch(
      /\(inferred\), from 2026-03-18T14:30:45.000Z \(history: 1.2.0 was deployed then, success\)/
    )
    expect(outage({ rollback: rollback({ recoveredAt: undefined }) }).says).toMatch(/inferred.*the rollback succeeded/)
  })

  it('ends where a rollback that was left to a person is recorded as done, and is open before that', () => {
    const manual = rollback({ recoveredAt: undefined, outcome: 'manual' })
    const left = { rollback: manual, history: [] as Incident['history'] }
    expect(outage(left)).toMatchObject({ ms: null })
    const record = { target: 'docker', version: '1.2.0', status: 'rolled_back', rollbackId: manual.id }
    const done = outage({ ...left, history: [{ ...record, at: '2026-03-18T14:41:00.000Z' }] })
    expect(done).toMatchObject({ ms: 600_000, says: expect.stringMatching(/inferred.*rolled back manually/) })
  })

  it('goes by the last deployment of the failed version before the rollback', () => {
    const record = (at: string, version = '1.2.0') => ({ at, target: 'docker', version, status: 'success' })
    const history = [
      record('2026-03-18T15:00:00.000Z'),
      record('2026-03-18T14:32:30.000Z', '1.1.0'),
      record('2026-03-18T14:32:00.000Z'),
      record('2026-01-01T00:00:00.000Z')
    ]
    expect(outage({ health: down, history }).from).toBe('2026-03-18T14:32:00.000Z')
  })

  it('goes by the target’s own serving time where history has nothing', () => {
    const from = crashLoop.from && {
      ...crashLoop.from,
      served: { from: '2026-03-18T14:32:00Z', source: 'container start' }
    }
    expect(outage({ health: down, history: [], from }).says).toMatch(/container start: 1.2.0 serves since then/)
  })

  it.each([
    ['no source says since when', { health: down, history: [] }, /no source says when it began/],
    [
      'it has not ended',
      { rollback: rollback({ outcome: 'stuck', recoveredAt: undefined }) },
      /no source shows.*stuck/
    ],
    ['the earlier state was put back', { rollback: rollback({ outcome: 'undone', recoveredAt: undefined }) }, /undone/],
    ['there was no rollback', { rollback: null }, /no rollback ended it/],
    [
      'the target saw none',
      { health: { state: 'healthy' as const, message: 'm', since: '2026-03-18T14:31:00.000Z' } },
      /shows no failure; 1.2.0 was in service for 2m 30s, from 2026-03-18T14:30:45.000Z \(history/
    ],
    [
      'the target saw none, and nothing else is known',
      { health: { state: 'healthy' as const, message: 'm' }, history: [] },
      /shows no failure\)$/
    ],
    ['the clocks disagree', { health: { ...down, since: '2026-03-18T14:40:00.000Z' } }, /clocks disagree/],
    ['times are no times', { health: { ...down, since: 'yesterday' }, history: [] }, /no source/]
  ])('is unknown when %s', (_, given, says) => {
    expect(outage(given)).toMatchObject({ ms: null, says: expect.stringMatching(says) })
    expect(outage(given).says).toMatch(/^unknown \(/)
  })
})
