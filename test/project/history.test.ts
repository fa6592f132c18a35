import { describe, expect, it } from 'vitest'
import type { DeployFile } from '../../src/project/deploy-file.ts'
import { historyOf, readHistory } from '../../src/project/history.ts'

const raw = (version: string, timestamp: string, rest: object = {}) => ({
  timestamp,
  target: 'docker',
  version,
  status: 'success',
  ...rest
})

describe('history', () => {
  it('takes the commit of a record that calls it `commit`', () => {
    const at = '2026-03-18T14:35:00Z'
    const records = [
      raw('1.1.0', at, { commit: 'abc1234' }),
      raw('1.0.0', at, { commit: 'abc1234', commit_sha: 'def5678' })
    ]
    expect(readHistory(records).records.map(({ commit }) => commit)).toEqual(['abc1234', 'def5678'])
  })

  it('maps every field of a record', () => {
    const all = {
      commit_sha: 'abc1234',
      duration_ms: 12,
      error: 'e',
      rollback_to: '1.0.0',
      digest: 'sha256:1',
      rollback_to_digest: 'sha256:0',
      rollback_id: 'rb-1',
      outcome: 'succeeded',
      snapshot: { env: ['A'] },
      anything: 1
    }
    expect(readHistory([raw('1.1.0', '2026-03-18T14:35:00Z', all)]).records).toEqual([
      {
        at: '2026-03-18T14:35:00.000Z',
        target: 'docker',
        version: '1.1.0',
        status: 'success',
        commit: 'abc1234',
        durationMs: 12,
        error: 'e',
        rollbackTo: '1.0.0',
        digest: 'sha256:1',
        rollbackToDigest: 'sha256:0',
        rollbackId: 'rb-1',
        outcome: 'succeeded',
        snapshot: { env: ['A'] }
      }
    ])
  })

  it('is newest first whatever the order in the file, and keeps that order for equal times', () => {
    const { records } = readHistory([
      raw('b', '2026-03-02T00:00:00Z'),
      raw('c', '2026-03-03T01:00:00+01:00'),
      raw('d', '2026-03-03T00:00:00Z'),
      raw('a', '2026-03-01T00:00:00Z')
    ])
    expect(records.map(({ version }) => version)).toEqual(['c', 'd', 'b', 'a'])
  })

  it('keeps statuses that nobody knows, and takes null for missing', () => {
    const { records } = readHistory([raw('1', '2026-03-01T00:00:00Z', { status: 'odd', error: null })])
    expect(records[0]).toEqual({ at: '2026-03-01T00:00:00.000Z', target: 'docker', version: '1', status: 'odd' })
  })

  it('leaves out what is no record and says how much, keeping what else is readable', () => {
    const { records, notes } = readHistory([
      null,
      'text',
      raw('1', 'soon'),
      { target: 'docker' },
      raw('2', '2026-03-01T00:00:00Z', { duration_ms: 'long', commit_sha: 'abc1234' })
    ])
    expect(records).toEqual([
      { at: '2026-03-01T00:00:00.000Z', target: 'docker', version: '2', status: 'success', commit: 'abc1234' }
    ])
    expect(notes).toEqual([
      "4 of the history's records could not be read and were left in the file as they are (history[0]: not an object; history[1]: not an object; history[2]: timestamp is not ISO 8601; …)."
    ])
  })

  it('gives one target its own records', () => {
    const records = readHistory([
      raw('1', '2026-03-01T00:00:00Z'),
      { ...raw('2', '2026-03-01T00:00:00Z'), target: 'npm' }
    ]).records
    const file = { records } as unknown as DeployFile
    expect(historyOf(file, 'npm').map(({ version }) => version)).toEqual(['2'])
    expect(historyOf(null, 'npm')).toEqual([])
  })
})
