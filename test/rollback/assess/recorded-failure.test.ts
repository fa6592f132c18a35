import { expect, test } from 'vitest'
import type { DeploymentRecord } from '../../../src/model/deployment-record.ts'
import { recordedFailure } from '../../../src/rollback/assess/evidence.ts'
import { missingConditions } from '../../../src/rollback/guard/refusals.ts'
import { newShelf, release } from '../../../testkit/in-memory-target.ts'
import { engine, failed, success } from '../engine-harness.ts'

const at = (day: number): string => `2026-03-${String(day).padStart(2, '0')}T12:00:00.000Z`
const rolledBack = (from: string, to: string, when: string): DeploymentRecord => ({
  at: when,
  target: 'shelf',
  version: from,
  status: 'rolled_back',
  rollbackTo: to,
  outcome: 'succeeded'
})

const current = release('1.1.0')

test.each<[what: string, history: DeploymentRecord[], repeated: boolean | null]>([
  ['a deployment that failed', [failed('1.1.0', at(9)), success('1.0.0', at(1))], false],
  ['one that failed without any history before it', [failed('1.1.0', at(9))], false],
  [
    'one that failed after another version had served in between',
    [failed('1.1.0', at(9)), success('1.0.0', at(5)), success('1.1.0', at(1))],
    false
  ],
  [
    'one that failed after it was rolled back from',
    [failed('1.1.0', at(9)), rolledBack('1.1.0', '1.0.0', at(5)), success('1.1.0', at(1))],
    false
  ],
  ['one that failed twice', [failed('1.1.0', at(9)), failed('1.1.0', at(8)), success('1.0.0', at(1))], false],
  [
    'one that failed with another digest than the one that served',
    [failed('1.1.0', at(9)), { ...success('1.1.0', at(5)), digest: 'sha256:other' }],
    false
  ],
  ['a repetition of one that serves', [failed('1.1.0', at(9)), success('1.1.0', at(5))], true],
  [
    'a repetition of one that serves with this very digest',
    [failed('1.1.0', at(9)), { ...success('1.1.0', at(5)), digest: current.id }],
    true
  ],
  ['a repetition of what a rollback went back to', [failed('1.1.0', at(9)), rolledBack('1.2.0', '1.1.0', at(5))], true],
  ['a failure before a rollback to it was proven', [rolledBack('1.2.0', '1.1.0', at(9)), failed('1.1.0', at(5))], null],
  ['a success', [success('1.1.0', at(9)), failed('1.1.0', at(5))], null],
  ['a failure of another version', [failed('1.2.0', at(9)), success('1.1.0', at(5))], null]
])('of %s the history tells that it failed as it should', (_, history, repeated) => {
  expect(recordedFailure(history, current)?.repeated ?? null).toBe(repeated)
})

test('a pipeline that failed for a version which serves well already is no reason to roll back', async () => {
  const history = [failed('1.2.0', at(18)), success('1.2.0', at(17)), success('1.1.0', at(1))]
  const { assess } = await engine(newShelf({ health: { '1.2.0': 'healthy', '1.1.0': 'healthy' } }), { history })
  const assessment = await assess()
  expect(assessment.failed).toBe(false)
  expect(assessment.risks.map(({ id }) => id)).toContain('current_healthy')
  expect(assessment.notes.join()).toContain('a deployment of 1.2.0 failed at 2026-03-18')
  expect(missingConditions(assessment, true)).toEqual([
    'the current version has not failed (healthy: the shelf says healthy)'
  ])
})
