import { afterEach, beforeEach, expect, test } from 'vitest'
import netlifyModule from '../../../src/targets/netlify/index.ts'
import { targetContext, testRun } from '../../../testkit/target-context.ts'
import { type FakeNetlify, fakeNetlify } from '../../fakes/netlify/server.ts'

const commits = { good: 'bbbbbbb2'.repeat(5), broken: 'ccccccc3'.repeat(5), new: 'ddddddd4'.repeat(5) }
const signal = () => AbortSignal.timeout(50_000)
const minutesAgo = (count: number) => new Date(Date.now() - count * 60_000).toISOString()

let netlify: FakeNetlify

beforeEach(async () => {
  netlify = await fakeNetlify()
  netlify.deploy(commits.good)
  netlify.deploy(commits.broken)
})

afterEach(async () => {
  await netlify.stop()
  expect(netlify.wrong).toEqual([])
})

async function planned(version = 'bbbbbbb', config: Record<string, unknown> = {}) {
  const env = { NETLIFY_API_URL: netlify.api, NETLIFY_AUTH_TOKEN: netlify.token }
  const target = await netlifyModule.open({
    ...targetContext({ name: 'netlify', projectDir: '/nowhere', env }),
    config: netlifyModule.configSchema.parse({ site_id: netlify.siteId, ...config })
  })
  const { observation, state } = await target.observe(signal())
  const release = observation.releases.find((one) => one.version === version)
  if (!release) throw new Error('no release')
  return { target, observation, release, draft: await target.plan(observation, state, release, signal()) }
}

test('an upload that has been idle for over an hour is no build that publishes itself; one at work is', async () => {
  netlify.deploy(commits.new, { state: 'uploading', updated_at: minutesAgo(21 * 24 * 60) })
  expect((await planned()).observation.risks).toEqual([])
  netlify.deploy(commits.new, { state: 'uploading', updated_at: minutesAgo(1) })
  expect((await planned()).observation.risks).toMatchObject([{ serious: true }])
})

test('a draft that builds takes the place of nothing', async () => {
  netlify.deploy(commits.new, { state: 'building', draft: true })
  expect((await planned()).observation.risks).toEqual([])
})

test('a running build is offered to be cancelled, and is where deploy.json says so', async () => {
  const { id } = netlify.deploy(commits.new, { state: 'building' })
  const offered = (await planned()).observation.risks[0]
  expect(offered).toMatchObject({ serious: true, detail: expect.stringMatching(/cancel_builds.*cancelSiteDeploy/) })
  const { target, observation, draft } = await planned('bbbbbbb', { cancel_builds: true })
  expect(observation.risks).toMatchObject([{ serious: false }])
  expect(draft.steps.map(({ kind, phase }) => [kind, phase])).toEqual([
    ['cancel-build', 'prepare'],
    ['restore', 'switch']
  ])
  const cancel = draft.steps[0]
  if (!cancel) throw new Error('no step')
  const { remains } = await target.apply(cancel, testRun())
  expect(netlify.deploys.find((one) => one.id === id)?.state).toBe('error')
  expect(remains?.join()).toContain('was cancelled')
  expect((await target.apply(cancel, testRun())).detail).toContain('has ended')
})

test.each([
  ['a draft', { draft: true }],
  ['a deploy of a branch', { context: 'branch-deploy' }]
])('%s that a restore published was the site, and can be gone back to', async (_, more) => {
  const aside = netlify.deploy(commits.new, more)
  netlify.restoreByHand(aside)
  const served = await planned()
  expect(served.observation.current?.version).toBe('ddddddd')
  netlify.deploy('e'.repeat(40))
  const { release, draft } = await planned('ddddddd')
  expect(release).toMatchObject({ prerelease: true, served: { from: aside.published_at } })
  expect(draft.blockers).toEqual([])
})

test('a split test that is active is named with its branches', async () => {
  const split = {
    site_id: netlify.siteId,
    branches: [
      { branch: 'main', percentage: 50 },
      { branch: 'blue', percentage: 50 }
    ]
  }
  netlify.splits = [
    { id: 's1', name: 'New look', active: true, ...split },
    { id: 's2', name: 'Old', active: false, ...split }
  ]
  expect((await planned()).observation.risks).toMatchObject([
    {
      id: 'split_test:s1',
      serious: false,
      title: expect.stringContaining('New look'),
      detail: expect.stringContaining('main, blue')
    }
  ])
})
