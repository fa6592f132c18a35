import { expect, test } from 'vitest'
import type { Health } from '../../src/model/observation.ts'
import { withProbe } from '../../src/targets/with-probe.ts'
import { hastyClock } from '../harness/hasty-clock.ts'

/** The health that an observation shows when the probe is answered so, one answer after the other; and how often it was asked. */
async function health(seen: Partial<Health>, ...answers: boolean[]) {
  const observation = {
    current: null,
    health: { state: 'healthy' as const, message: 'web runs', ...seen },
    releases: [],
    risks: [],
    blockers: [],
    notes: [],
    fingerprint: ''
  }
  let asked = 0
  const ask = async () => {
    const ok = answers[asked] ?? false
    asked += 1
    return { ok, detail: `/ answers ${ok ? 200 : 500}` }
  }
  const { signal } = new AbortController()
  const observed = await withProbe(Promise.resolve({ observation, state: null }), { clock: hastyClock(), signal, ask })
  return { ...observed.observation.health, asked }
}

test('what runs and answers badly every time is degraded', async () => {
  expect(await health({ since: '2026-03-18T14:30:00.000Z', unchecked: true })).toEqual({
    state: 'degraded',
    message: 'web runs; / answers 500',
    asked: 5
  })
})

test('one good answer of a few is enough, and says that it serves', async () => {
  expect(await health({ unchecked: true }, false, true)).toEqual({
    state: 'healthy',
    message: 'web runs; / answers 200',
    asked: 2
  })
})

test('a good answer does not make well what the target calls down or degraded', async () => {
  for (const state of ['down', 'degraded'] as const)
    expect(await health({ state }, true)).toMatchObject({ state, message: 'web runs' })
})
