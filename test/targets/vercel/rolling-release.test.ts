import { expect, vi } from 'vitest'
import { testRun } from '../../../testkit/target-context.ts'
import { onVercel } from './on-vercel.ts'
import { broken, good, oldest, open, planned, signal } from './scene.ts'

vi.setConfig({ testTimeout: 120_000 })

const test = onVercel((vercel) => {
  vercel.deploy(oldest)
  vercel.deploy(good)
  vercel.rollOut(broken, 10)
})

test('a deployment that is being rolled out is what fails, and the one that serves the rest is the candidate', async ({
  vercel
}) => {
  const { observation, release, draft } = await planned(vercel)
  expect(observation.current?.version).toBe('ccccccc')
  expect(observation.notes.join()).toContain('10 % of the traffic')
  expect(release.served?.source).toContain('the rest of the traffic')
  expect(draft).toMatchObject({
    blockers: [],
    steps: [{ title: expect.stringContaining('Aborting the rolling release') }]
  })
})

test('going back to the one that serves the rest aborts the rolling release', async ({ vercel }) => {
  const { target, step, release } = await planned(vercel)
  for (const _ of [1, 2]) await target.apply(step, testRun())
  expect(vercel.rolling()).toBeNull()
  expect(vercel.production()).toBe(release.id)
  const { checks } = await target.check(release, { signal: signal() })
  expect(checks.find(({ id }) => id === 'production')?.status).toBe('pass')
  expect(
    (await target.observe(signal())).observation.releases.find(({ version }) => version === 'ccccccc')?.against
  ).toHaveLength(1)
})

test('only a person starts an aborted rolling release again', async ({ vercel }) => {
  const { target, step } = await planned(vercel)
  expect((await target.revert(step, testRun())).detail).toContain('the rolling release continues')
  await target.apply(step, testRun())
  expect((await target.revert(step, testRun())).manual?.join()).toContain('vercel rolling-release start')
})

test('while it is under way, no other deployment can be gone back to, and the check does not pass', async ({
  vercel
}) => {
  const { draft } = await planned(vercel, 'aaaaaaa')
  expect(draft.blockers.map(({ id }) => id)).toEqual(['rolling_release'])
  const target = await open(vercel)
  const { releases } = (await target.observe(signal())).observation
  const base = releases.find(({ version }) => version === 'bbbbbbb')
  if (!base) throw new Error('no base')
  const { checks } = await target.check(base, { signal: signal() })
  expect(checks.find(({ id }) => id === 'production')).toMatchObject({ status: 'fail' })
})

test('a plan without rolling releases is no failure', async ({ vercel }) => {
  vercel.fault(({ path }) =>
    path.endsWith('/rolling-release')
      ? { status: 402, body: { error: { code: 'payment_required', message: 'Upgrade' } } }
      : undefined
  )
  const { current } = (await (await open(vercel)).observe(signal())).observation
  expect(current?.version).toBe('bbbbbbb')
})
