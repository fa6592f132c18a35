import { expect, vi } from 'vitest'
import { testRun } from '../../../testkit/target-context.ts'
import type { Answer } from '../../fakes/fake-server.ts'
import type { FakeVercel } from '../../fakes/vercel/server.ts'
import { onVercel } from './on-vercel.ts'
import { planned } from './scene.ts'

vi.setConfig({ testTimeout: 120_000 })

const test = onVercel()

const isAct = (path: string): boolean => /\/(rollback|promote)\//.test(path)
const acts = (vercel: FakeVercel): string[] => vercel.log().filter((line) => line.startsWith('POST'))
const ids = (vercel: FakeVercel) => vercel.deployments.map(({ uid }) => uid)

/** Passes a request on by asking again without the fault, and gives another answer in the place of Vercel's. */
function answerInstead(vercel: FakeVercel, answer: Answer | 'hang up'): void {
  vercel.fault(async ({ method, path, query, headers, body }) => {
    if (!isAct(path)) return undefined
    vercel.fault(undefined)
    const address = `${vercel.env.VERCEL_API_URL}${path}?${query}`
    await fetch(address, { method, body, headers: { authorization: headers.authorization ?? '' } })
    return answer
  })
}

for (const [name, answer] of [
  ['a connection that breaks', 'hang up'],
  ['a 502', { status: 502, body: 'Bad Gateway' }],
  ['a page of HTML', { status: 201, headers: { 'content-type': 'text/html' }, body: '<html>' }],
  ['nothing at all', { status: 201, body: '' }]
] as const)
  test(`${name} in answer to a request that Vercel took is no failure: the project tells what became of it`, async ({
    vercel
  }) => {
    vercel.job = { takesMs: 80, ends: 'succeeded', showsAfterMs: 70 }
    const { target, step } = await planned(vercel)
    answerInstead(vercel, answer)
    expect((await target.apply(step, testRun())).detail).toContain('is production')
    expect(vercel.production()).toBe(ids(vercel)[1])
    expect(acts(vercel)).toHaveLength(2)
  })

test('a request that never arrived is told as unconfirmed, with what serves', async ({ vercel }) => {
  const { target, step } = await planned(vercel)
  vercel.fault(({ path }) => (isAct(path) ? 'hang up' : undefined))
  await expect(target.apply(step, testRun())).rejects.toMatchObject({
    code: 'unconfirmed',
    state: expect.stringContaining(ids(vercel)[2] ?? '')
  })
  expect(acts(vercel)).toHaveLength(1)
})

test('undoing a rollback whose job is still at work waits for that job, and then goes back', async ({ vercel }) => {
  let over = (): void => undefined
  vercel.job.until = new Promise((resolve) => {
    over = resolve
  })
  const { target, step, observation } = await planned(vercel)
  const dying = new AbortController()
  const first = target.apply(step, testRun({ signal: dying.signal })).catch(() => 'stopped')
  await vi.waitFor(() => expect(vercel.busy()).toBe(true), { timeout: 20_000 })
  dying.abort()
  expect(await first).toBe('stopped')
  await target.revert(step, testRun({ progress: () => over() }))
  expect(vercel.busy()).toBe(false)
  expect(vercel.production()).toBe(observation.current?.id)
})

test('a job of an earlier try that failed says nothing of the next one', async ({ vercel }) => {
  vercel.job.ends = 'failed'
  const { target, step } = await planned(vercel)
  await expect(target.apply(step, testRun())).rejects.toMatchObject({ code: 'job_failed' })
  vercel.job = { takesMs: 60, ends: 'succeeded', showsAfterMs: 90 }
  await target.apply(step, testRun())
  expect(vercel.production()).toBe(ids(vercel)[1])
})

test('a refusal because of another change is asked again once that has ended', async ({ vercel }) => {
  const { target, step } = await planned(vercel)
  let refused = 0
  vercel.fault(({ path }) =>
    isAct(path) && refused++ < 2
      ? { status: 409, body: { error: { code: 'conflict', message: 'Another alias request is in progress' } } }
      : undefined
  )
  await target.apply(step, testRun())
  expect(vercel.production()).toBe(ids(vercel)[1])
  expect(acts(vercel)).toHaveLength(3)
})

test('a limit on requests is waited for as Vercel asks, also before the request that acts', async ({ vercel }) => {
  const { target, step } = await planned(vercel)
  let refused = 0
  vercel.fault(({ path }) =>
    isAct(path) && refused++ < 1
      ? {
          status: 429,
          headers: { 'retry-after': '1' },
          body: { error: { code: 'rate_limited', message: 'Too many requests' } }
        }
      : undefined
  )
  await target.apply(step, testRun())
  expect(vercel.production()).toBe(ids(vercel)[1])
})

test('undoing leaves production pinned where it was pinned before', async ({ vercel }) => {
  vercel.manualCommands('rollback', vercel.deployments[1] as never)
  const { target, step, draft } = await planned(vercel, 'aaaaaaa')
  expect(draft.steps[0]?.manualUndoCommands).toEqual([`vercel rollback ${ids(vercel)[1]}`])
  await target.apply(step, testRun())
  await target.revert(step, testRun())
  expect(vercel.production()).toBe(ids(vercel)[1])
  expect(vercel.autoAssign()).toBe(false)
})

test('a rollback says that new deployments are no longer live, and how to end that', async ({ vercel }) => {
  const { target, step } = await planned(vercel)
  const { remains } = await target.apply(step, testRun())
  expect(remains?.join()).toContain('vercel promote')
})

test('a right that is missing is told at once, with the place of the token, and nothing is asked twice', async ({
  vercel
}) => {
  const { target, step } = await planned(vercel)
  vercel.fault(({ path }) =>
    isAct(path) ? { status: 403, body: { error: { code: 'forbidden', message: 'Not authorized' } } } : undefined
  )
  await expect(target.apply(step, testRun())).rejects.toMatchObject({
    code: 'no_rights',
    why: expect.stringContaining('VERCEL_TOKEN')
  })
  expect(acts(vercel)).toHaveLength(1)
})
