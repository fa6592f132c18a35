import { describe, expect, it } from 'vitest'
import type { Incident } from '../../src/incident/incident.ts'
import { timelineOf } from '../../src/incident/timeline.ts'
import { crashLoop } from './fixtures.ts'

const empty: Incident = { ...crashLoop, history: [], events: [], diagnosis: null, health: null }
const timeline = (given: Partial<Incident>) => timelineOf({ ...empty, ...given })
const event = (second: number, text: string, source = 'journal') => ({
  at: new Date(Date.UTC(2026, 2, 18, 14, 0, second)).toISOString(),
  text,
  source
})

describe('timelineOf', () => {
  it('merges all sources, oldest first, and brings their times into one form', () => {
    const lines = timelineOf(crashLoop).lines
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).sort())
    expect(new Set(lines.flatMap(({ sources }) => sources))).toEqual(
      new Set(['history', 'health', 'health log', 'engine events', 'journal'])
    )
    expect(lines.find(({ text }) => text.startsWith('Health check'))?.at).toBe('2026-03-18T14:31:00.123Z')
  })

  it('makes one line of what two sources say in the same second', () => {
    const { lines } = timeline({ events: [event(1, 'a'), event(1, 'a', 'engine'), event(1, 'a'), event(2, 'a')] })
    expect(lines.map(({ sources, times }) => [sources, times])).toEqual([
      [['journal', 'engine'], 1],
      [['journal'], 1]
    ])
  })

  it('counts what happens again and again', () => {
    const events = Array.from({ length: 10 }, (_, n) => [event(2 * n, 'died'), event(2 * n + 1, 'started')]).flat()
    expect(timeline({ events: [...events, event(30, 'stopped')] }).lines).toMatchObject([
      { text: 'died', times: 10, until: '2026-03-18T14:00:18.000Z' },
      { text: 'started', times: 10, until: '2026-03-18T14:00:19.000Z' },
      { text: 'stopped', times: 1 }
    ])
  })

  it('puts what has no usable time last, and invents none', () => {
    const { lines } = timeline({ events: [{ at: 'soon', text: 'x', source: 's' }, event(1, 'a')] })
    expect(lines.map(({ at, text }) => [at, text])).toEqual([
      ['2026-03-18T14:00:01.000Z', 'a'],
      [null, 'x']
    ])
  })

  it('leaves out the middle of very much', () => {
    const { lines, leftOut } = timeline({ events: Array.from({ length: 500 }, (_, n) => event(n, `e${n}`)) })
    expect(lines.length + leftOut).toBe(500)
    expect([lines[0]?.text, lines.at(-1)?.text]).toEqual(['e0', 'e499'])
  })

  it('begins history at the last deployment of the good version, without what the journal tells better', () => {
    const record = (day: number, version: string, status: string, rest = {}) => ({
      at: `2026-03-${day}T00:00:00.000Z`,
      target: 'docker',
      version,
      status,
      ...rest
    })
    const history = [
      record(18, '1.2.0', 'rolled_back', { rollbackId: 'rb-20260318-143300-docker' }),
      record(17, '1.2.0', 'failed', { error: 'timed out' }),
      record(16, '1.3.0', 'rolled_back', { rollbackTo: '1.1.0' }),
      record(15, '1.1.0', 'success'),
      record(14, '1.0.0', 'success')
    ]
    const words = (given: Partial<Incident>) => timeline(given).lines.map(({ text }) => text)
    const expected = [
      'Deployment of 1.1.0 succeeded',
      '1.3.0 was rolled back to 1.1.0',
      'Deployment of 1.2.0 failed: "timed out"'
    ]
    expect(words({ history, events: [event(1, 'a')] }).filter((text) => text !== 'a')).toEqual(expected)
    expect(words({ history })).toEqual([...expected, '1.2.0 was rolled back'])
  })
})
