import { expect, it } from 'vitest'
import { patienceFor } from '../../../../../src/targets/docker/containers/check/await-healthy.ts'
import type { Container, Healthcheck } from '../../../../../src/targets/docker/objects/schemas.ts'

const seconds = 1e9
const withCheck = (check: Healthcheck): Container =>
  ({ Config: { Healthcheck: { Test: ['CMD', 'true'], ...check } } }) as unknown as Container

it('a container whose check grants it ten minutes to start gets them, and no more once it is unhealthy', () => {
  const check = { StartPeriod: 600 * seconds, Interval: 10 * seconds, Timeout: 5 * seconds, Retries: 4 }
  expect(patienceFor(withCheck(check), {})).toMatchObject({ timeoutMs: 660_000, unhealthyMs: 60_000 })
})

it('a container is waited for as long as its check may take to decide, by the engine’s own defaults', () => {
  expect(patienceFor(withCheck({}), {})).toMatchObject({ timeoutMs: 180_000, unhealthyMs: 180_000 })
})

it('what is configured goes before all that', () => {
  const check = { StartPeriod: 600 * seconds }
  const patience = { timeoutMs: 20_000, unhealthyMs: 20_000 }
  expect(patienceFor(withCheck(check), { health_timeout_seconds: 20 })).toMatchObject(patience)
})
