import { describe, expect, it } from 'vitest'
import { severityOf } from '../../src/incident/severity.ts'
import { crashLoop } from './fixtures.ts'

const health = (state: 'healthy' | 'progressing' | 'degraded' | 'down' | 'unknown') => ({ state, message: 'm' })
const record = (status: string) => ({ at: '2026-03-18T14:30:00.000Z', target: 'docker', version: '1.2.0', status })

describe('severityOf', () => {
  it.each([
    ['P1 when nothing served', { health: health('down') }, 'P1', 'nothing served: m'],
    [
      'P1 when nothing served, though its deployment failed',
      { health: health('down'), history: [record('failed')] },
      'P1',
      'nothing'
    ],
    ['P2 when degraded', { health: health('degraded') }, 'P2', 'degraded: m'],
    [
      'P3 when it failed before it served anyone',
      { health: health('unknown'), history: [record('failed')] },
      'P3',
      '14:30'
    ],
    [
      'P3 with unknown health, too',
      { health: null, history: [record('rolled_back'), record('failed')] },
      'P3',
      'before it served'
    ],
    [
      'P2 when one of its deployments succeeded',
      { health: null, history: [record('failed'), record('success')] },
      'P2',
      'unknown'
    ],
    [
      'P2 when it served, whatever its deployment is recorded as',
      { health: health('healthy'), history: [record('failed')] },
      'P2',
      'it served'
    ],
    ['P2 when it looked healthy', { health: health('healthy') }, 'P2', 'shows nothing wrong'],
    ['P2 when nothing is known', { health: null, history: [] }, 'P2', 'unknown'],
    ['what the author says', { health: health('down'), severity: 'P4' as const }, 'P4', 'set by the author']
  ])('is %s', (_, given, severity, reason) => {
    const judged = severityOf({ ...crashLoop, ...given })
    expect(judged.severity).toBe(severity)
    expect(judged.reason).toContain(reason)
  })
})
