import { describe, expect, test } from 'vitest'
import { detectionOf, triggerOf } from '../../src/incident/milestones.ts'
import { outageOf } from '../../src/incident/outage.ts'
import { crashLoop } from './fixtures.ts'

describe('the trigger', () => {
  test('is the newest deployment of the failed version before the rollback, with its commit', () => {
    const history = [
      { at: '2026-03-19T00:00:00.000Z', target: 'docker', version: '1.2.0', status: 'success' as const },
      {
        at: '2026-03-18T14:30:45.000Z',
        target: 'docker',
        version: '1.2.0',
        status: 'success' as const,
        commit: 'c0ffee0123456789'
      },
      { at: '2026-03-17T00:00:00.000Z', target: 'docker', version: '1.2.0', status: 'success' as const }
    ]
    expect(triggerOf({ ...crashLoop, history })).toBe(
      'the deployment of 1.2.0 at 2026-03-18T14:30:45.000Z (history: success, commit c0ffee012345)'
    )
  })

  test('is what the target says where history has nothing, and unknown where neither does', () => {
    const from = crashLoop.from && {
      ...crashLoop.from,
      served: { from: '2026-03-18T14:30:40.000Z', source: 'container web' }
    }
    expect(triggerOf({ ...crashLoop, from, history: [] })).toBe(
      '1.2.0, which serves since 2026-03-18T14:30:40.000Z (container web)'
    )
    expect(triggerOf({ ...crashLoop, history: [] })).toBe('unknown (no source says when 1.2.0 was deployed)')
    expect(triggerOf({ ...crashLoop, from: null })).toBe('unknown')
  })
})

describe('the detection', () => {
  test('says how long the failure could be seen before the rollback began', () => {
    expect(detectionOf(crashLoop, outageOf(crashLoop))).toBe(
      'first sign of failure at 2026-03-18T14:31:00.000Z; the rollback began 2m 0s later'
    )
    expect(detectionOf({ ...crashLoop, rollback: null }, outageOf(crashLoop))).toBe(
      'first sign of failure at 2026-03-18T14:31:00.000Z'
    )
  })

  test('is unknown without a time', () => {
    expect(detectionOf(crashLoop, { ms: null, says: 'unknown' })).toMatch(/^unknown/)
  })
})
