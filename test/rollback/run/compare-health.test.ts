import { expect, it } from 'vitest'
import type { Health, HealthState } from '../../../src/model/observation.ts'
import { servesBetter } from '../../../src/rollback/run/compare-health.ts'

const health = (state: HealthState, parts?: Record<string, HealthState>): Health => ({
  state,
  message: '',
  ...(parts && { parts })
})

it.each<[HealthState, HealthState, boolean]>([
  ['healthy', 'degraded', true],
  ['degraded', 'healthy', false],
  ['degraded', 'progressing', false],
  ['healthy', 'unknown', false],
  ['unknown', 'down', false]
])('%s serves better than %s: %s', (a, b, better) => {
  expect(servesBetter(a, b)).toBe(better)
  expect(servesBetter(health(a), health(b))).toBe(better)
})

it('where one word says the same of both, the one of whose parts one serves better and none worse', () => {
  const before = health('degraded', { api: 'down', web: 'healthy', cron: 'unknown' })
  const worse = health('degraded', { api: 'down', web: 'down', cron: 'healthy' })
  const other = health('degraded', { api: 'healthy', web: 'down', cron: 'unknown' })
  expect(servesBetter(before, worse)).toBe(true)
  expect(servesBetter(worse, before)).toBe(false)
  expect(servesBetter(before, other)).toBe(false)
  expect(servesBetter(before, before)).toBe(false)
  expect(servesBetter(before, health('degraded'))).toBe(false)
})

it('parts do not outweigh the word for all of them, and tell nothing where that is unknown', () => {
  expect(servesBetter(health('healthy', { api: 'progressing' }), health('degraded', { api: 'healthy' }))).toBe(true)
  expect(servesBetter(health('unknown', { api: 'healthy' }), health('degraded', { api: 'down' }))).toBe(false)
})
