import { afterEach, beforeEach, expect, test } from 'vitest'
import { testRun } from '../../../testkit/target-context.ts'
import { type FakeVercel, fakeVercel } from '../../fakes/vercel/server.ts'
import { broken, good, oldest, planned, signal } from './scene.ts'

const added = 'beta.example.test'
let vercel: FakeVercel

beforeEach(async () => {
  vercel = await fakeVercel()
  for (const commit of [oldest, good, broken]) vercel.deploy(commit)
  vercel.aliases.set(added, vercel.production() ?? '')
})

afterEach(async () => {
  await vercel.stop()
  expect(vercel.wrong).toEqual([])
})

const bad = () => vercel.deployments[2]?.uid
const sound = () => vercel.deployments[1]?.uid

test('an alias that is no domain of the project is named, moves with production, and goes back with it', async () => {
  const { target, draft, observation, release } = await planned(vercel)
  expect(observation.notes.join()).toMatch(/aliases that lead to the production deployment.*: beta\.example\.test\.$/)
  expect(draft.steps.map(({ id }) => id)).toEqual(['rollback', `alias:${added}`])
  expect(draft.steps[1]?.manualCommands).toEqual([`vercel alias set ${sound()} ${added}`])
  for (const step of [...draft.steps, ...draft.steps]) await target.apply(step, testRun())
  expect(vercel.aliases.get(added)).toBe(sound())
  const { checks } = await target.check(release, { signal: signal() })
  expect(checks.find(({ id }) => id === `alias:${added}`)?.status).toBe('pass')
  for (const step of draft.steps.toReversed()) await target.revert(step, testRun())
  expect(vercel.aliases.get(added)).toBe(bad())
})

test('an alias that Vercel does not move undoes nothing: it remains, with the command, and the check is no success', async () => {
  vercel.lockedAliases.add(added)
  const { target, draft, release } = await planned(vercel)
  const results = []
  for (const step of draft.steps) results.push(await target.apply(step, testRun()))
  expect(vercel.production()).toBe(sound())
  expect(results[1]?.remains?.join()).toContain(`vercel alias set ${sound()} ${added}`)
  const { checks } = await target.check(release, { signal: signal() })
  expect(checks.find(({ id }) => id === `alias:${added}`)).toMatchObject({
    status: 'unknown',
    detail: expect.stringContaining(`vercel alias set ${sound()}`)
  })
})

test('an alias that someone has moved elsewhere since then stays there', async () => {
  const { target, draft } = await planned(vercel)
  vercel.aliases.set(added, vercel.deployments[0]?.uid ?? '')
  for (const step of draft.steps) await target.apply(step, testRun())
  expect(vercel.aliases.get(added)).toBe(vercel.deployments[0]?.uid)
})

test('where Vercel does not tell the aliases, the rollback is planned without them, and that is said', async () => {
  vercel.fault(({ path }) =>
    path.endsWith('/aliases') ? { status: 403, body: { error: { code: 'forbidden', message: 'no' } } } : undefined
  )
  const { draft, observation } = await planned(vercel)
  expect(draft.steps.map(({ id }) => id)).toEqual(['rollback'])
  expect(observation.notes.join()).toMatch(/did not say which other aliases/)
})

test('a project and a team that are configured by name are acted on by id, with the reason', async () => {
  const { target, step } = await planned(vercel, 'bbbbbbb', { project_id: 'shop', team_id: 'acme' })
  await target.apply(step, testRun())
  expect(vercel.production()).toBe(sound())
  expect(vercel.reasons).toEqual([`rb-20260101-000000-test: ${bad()} to ${sound()}`])
})

test('undoing by a rollback where Vercel refuses to promote what was promoted before', async () => {
  vercel.promotesOnce = true
  const { target, step } = await planned(vercel)
  await target.apply(step, testRun())
  const { remains } = await target.revert(step, testRun())
  expect(vercel.production()).toBe(bad())
  expect(remains?.join()).toContain('no longer assigns')
})

test('a job that fails is told with the domains that it did not move', async () => {
  vercel.job.ends = 'failed'
  vercel.stuckDomains.add('www.example.test')
  const { target, step } = await planned(vercel)
  await expect(target.apply(step, testRun())).rejects.toMatchObject({
    code: 'job_failed',
    state: expect.stringContaining('not moved: www.example.test')
  })
})

test('what the retention of the project deletes, or has deleted, is said', async () => {
  const [first, second] = vercel.deployments
  if (first) first.softDeletedByRetention = true
  if (second) second.expiration = Date.UTC(2027, 0, 1)
  const { observation } = await planned(vercel)
  expect(observation.releases.map(({ available }) => available.state)).toEqual(['yes', 'no'])
  expect(observation.releases[0]?.notes?.join()).toContain('retention deletes it at 2027-01-01')
  const { draft } = await planned(vercel, 'aaaaaaa')
  expect(draft.blockers).toMatchObject([{ why: expect.stringContaining('retention deleted it') }])
})

test('a microfrontend says that the others of its group stay', async () => {
  vercel.microfrontend = true
  expect((await planned(vercel)).draft.notes.join()).toMatch(/microfrontends.*moves only this one/)
})
