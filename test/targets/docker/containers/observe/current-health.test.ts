import { expect, test } from 'vitest'
import { healthOf } from '../../../../../src/targets/docker/containers/observe/current-health.ts'
import type { Container } from '../../../../../src/targets/docker/objects/schemas.ts'
import { containerNamed } from '../../../../../testkit/docker/container.ts'

const now = new Date('2026-03-18T14:30:00Z')
const clock = { now: () => now, sleep: async () => undefined, limit: AbortSignal.timeout }
const ago = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString()

/** How a container is that was created and last started so many seconds ago. */
function health(created: number, started: number, restarts: number, state: Partial<Container['State']>) {
  const container = containerNamed('web')
  const State = { ...container.State, Running: true, Status: 'running', StartedAt: ago(started), ...state }
  return healthOf([{ ...container, Created: ago(created), RestartCount: restarts, State }], clock).state
}

test('a crash loop is down, in the moment of a crash and between two', () => {
  expect(health(30, 1, 6, { Restarting: true, Status: 'restarting' })).toBe('down')
  expect(health(30, 1, 6, {})).toBe('down')
})

test('what served well and restarted a moment ago is degraded, not down', () => {
  expect(health(86_400, 10, 1, {})).toBe('degraded')
  expect(health(30, 5, 2, { Health: { Status: 'healthy' } })).toBe('degraded')
})
