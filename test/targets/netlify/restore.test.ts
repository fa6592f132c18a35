import { expect } from 'vitest'
import type { DeploymentRecord } from '../../../src/model/deployment-record.ts'
import { rankCandidates, recommend } from '../../../src/rollback/assess/candidates.ts'
import { testRun } from '../../../testkit/target-context.ts'
import type { FakeNetlify } from '../../fakes/netlify/server.ts'
import { openApi } from '../../fakes/openapi.ts'
import { fromSwagger } from '../../fakes/swagger.ts'
import { commits, open, planned, signal, test } from './scene.ts'

async function recommended(netlify: FakeNetlify, history: DeploymentRecord[] = []): Promise<string | null> {
  const { current, releases } = (await (await open(netlify, {}, history)).observe(signal())).observation
  const ranked = rankCandidates(current, releases, { history, formerRollbacks: [], now: '2026-06-01T00:00:00.000Z' })
  return recommend(current, ranked)?.release.version ?? null
}

const deploy = (netlify: FakeNetlify, index: number) => {
  const found = netlify.deploys[index]
  if (!found) throw new Error('no deploy')
  return found
}

for (const moves of [true, false])
  test(`what was rolled back is not recommended, where a restore ${moves ? 'counts as published anew' : 'does not'}`, async ({
    netlify
  }) => {
    netlify.restoreMovesTime = moves
    netlify.restoreByHand(deploy(netlify, 1))
    expect(await recommended(netlify)).toBe('aaaaaaa')
  })

test('what was rolled back is not recommended after the next deploy either, where Netlify notes the restore', async ({
  netlify
}) => {
  netlify.restoreByHand(deploy(netlify, 1))
  netlify.deploy('d'.repeat(40))
  expect(await recommended(netlify)).toBe('bbbbbbb')
})

test('deploy.json’s records count by their commit: what it calls failed is not recommended', async ({ netlify }) => {
  const at = deploy(netlify, 2).published_at ?? ''
  const failed = { at, target: 'netlify', version: '1.1.0', status: 'failed', commit: commits.good }
  expect(await recommended(netlify, [failed])).toBe('aaaaaaa')
})

test('a lock comes with the publication, and what it means is said', async ({ netlify }) => {
  const { target, step, release } = await planned(netlify, { lock: true })
  const { remains } = await target.apply(step, testRun())
  expect(deploy(netlify, 1).locked).toBe(true)
  expect(remains?.join()).toContain('unlockDeploy')
  netlify.deploy('6'.repeat(40))
  expect(netlify.publishedId()).toBe(release.id)
})

test('a lock that fails is reported and leaves a rollback that serves', async ({ netlify }) => {
  const { target, step, release } = await planned(netlify, { lock: true })
  netlify.fault(({ path }) =>
    path.endsWith('/lock') ? { status: 422, body: { code: 422, message: 'Not now' } } : undefined
  )
  const { remains } = await target.apply(step, testRun())
  expect(netlify.publishedId()).toBe(release.id)
  expect(remains?.join()).toContain('netlify api lockDeploy')
})

test('without a lock, the result says that the next deploy is published over it', async ({ netlify }) => {
  const { target, step } = await planned(netlify)
  expect((await target.apply(step, testRun())).remains?.join()).toContain('Auto publishing stays on')
})

test('auto publishing that was stopped before stays stopped, and is so after undoing', async ({ netlify }) => {
  deploy(netlify, 2).locked = true
  const { target, step } = await planned(netlify)
  await target.apply(step, testRun())
  expect(deploy(netlify, 1).locked).toBe(true)
  deploy(netlify, 2).locked = false
  await target.revert(step, testRun())
  expect(netlify.publishedId()).toBe(deploy(netlify, 2).id)
  expect(deploy(netlify, 2).locked).toBe(true)
})

test('nothing is locked once somebody else has published', async ({ netlify }) => {
  const { target, step } = await planned(netlify, { lock: true })
  const other = netlify.deploy('4'.repeat(40))
  await expect(target.apply(step, testRun())).rejects.toMatchObject({ code: 'changed_meanwhile' })
  expect(other.locked).toBe(false)
  expect(netlify.log().some((line) => line.startsWith('POST'))).toBe(false)
})

test('with a lock, a running build is no serious risk', async ({ netlify }) => {
  netlify.deploy('8'.repeat(40), { state: 'building' })
  expect((await planned(netlify, { lock: true })).observation.risks).toMatchObject([{ serious: false }])
  expect((await planned(netlify)).observation.risks).toMatchObject([{ serious: true }])
})

test('a role that publishes nothing is noticed before anything changes', async ({ netlify }) => {
  netlify.role = 'Reviewer'
  expect((await planned(netlify)).draft.blockers).toMatchObject([
    { id: 'role_too_small', why: expect.stringContaining('Reviewer') }
  ])
})

test('members that cannot be read are no obstacle', async ({ netlify }) => {
  netlify.fault(({ path }) =>
    path.endsWith('/members') ? { status: 403, body: { code: 403, message: 'Forbidden' } } : undefined
  )
  expect((await planned(netlify)).draft.blockers).toEqual([])
})

test('a failed build is reported with the whole of its message, and what the site answers is kept', async ({
  netlify
}) => {
  const message = `Build script returned non-zero exit code: 2\n${'detail '.repeat(60)}`
  netlify.deploy('9'.repeat(40), { state: 'error', error_message: message })
  const { evidence } = await (await open(netlify)).diagnose(signal())
  expect(evidence.map(({ text }) => text)).toEqual(['Internal error', message])
})

test('a site whose page is missing has not failed for that, and a probe says how it should answer', async ({
  netlify
}) => {
  netlify.sitePage = { status: 404, text: 'Not Found' }
  expect((await planned(netlify)).observation.health.state).toBe('unknown')
  const { target, observation, release } = await planned(netlify, { probe: { path: '/site/', expect_status: 404 } })
  expect(observation.health.state).toBe('healthy')
  const { checks } = await target.check(release, { signal: signal() })
  expect(checks.find(({ id }) => id === 'page')?.status).toBe('pass')
})

test('the fake’s document finds what is wrong with requests and answers', () => {
  const answer = {
    type: 'object',
    properties: { id: { type: 'string' }, name: { type: 'string', 'x-nullable': false } }
  }
  const document = openApi(
    fromSwagger({
      paths: {
        '/things/{id}': {
          parameters: [{ name: 'id', in: 'path', type: 'string' }],
          get: {
            parameters: [{ name: 'all', in: 'query', type: 'boolean' }],
            responses: { 200: { schema: answer }, default: { schema: { type: 'object', required: ['message'] } } }
          }
        }
      }
    })
  )
  const found = document.find('GET', '/things/7')
  expect(document.find('POST', '/things/7')).toBeNull()
  expect(found?.request(new URLSearchParams('all=true'), undefined)).toEqual([])
  expect(found?.request(new URLSearchParams('all=maybe&more=1'), {})).toHaveLength(3)
  expect(found?.answer(200, { id: null, name: 'x' })).toEqual([])
  const wrong = found?.answer(200, { id: 7, name: null }).join()
  expect(wrong).toContain('answer/id')
  expect(wrong).toContain('answer/name')
  expect(found?.answer(201, {})).toHaveLength(1)
  expect(found?.answer(404, {})).toHaveLength(1)
})
