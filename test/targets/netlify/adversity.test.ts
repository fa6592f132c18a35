import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Answer, type BuiltServer, startServer } from '../../../testkit/built-server.ts'
import { type TestProject, testProject } from '../../../testkit/project.ts'
import { type Answer as FakeAnswer, type FakeServer, fakeServer } from '../../fakes/fake-server.ts'
import { type FakeNetlify, fakeNetlify } from '../../fakes/netlify/server.ts'

vi.setConfig({ testTimeout: 240_000 })

let netlify: FakeNetlify
let elsewhere: FakeServer
let project: TestProject
let servers: BuiltServer[]

beforeEach(async () => {
  netlify = await fakeNetlify()
  elsewhere = await fakeServer(() => ({ status: 200, body: {} }))
  netlify.deploy('bbbbbbb2'.repeat(5))
  netlify.deploy('ccccccc3'.repeat(5), { page: { status: 500, text: 'Internal error' } })
  servers = []
  const config = { site_id: netlify.siteId, lock: true, rollback: { soak_seconds: 0 } }
  project = await testProject({ version: '1.0', targets: { netlify: { enabled: true, config } }, history: [] })
})

afterEach(async () => {
  for (const server of servers) await server.close().catch(() => undefined)
  await Promise.all([netlify.stop(), elsewhere.stop()])
  await project.remove()
  expect(netlify.wrong).toEqual([])
})

async function serve(): Promise<BuiltServer> {
  const env = { NETLIFY_API_URL: netlify.api, NETLIFY_AUTH_TOKEN: netlify.token, HOME: project.dir }
  const server = await startServer({ projectDir: project.dir, env })
  servers.push(server)
  return server
}

for (const direction of ['finish', 'undo'] as const)
  test(`killed between publishing and locking, the rollback can be made to ${direction}`, async () => {
    const dying = await serve()
    const { plan } = await dying.call('assess_rollback')
    netlify.fault(({ path }) => {
      if (!path.endsWith('/lock')) return undefined
      dying.kill()
      return 'hang up'
    })
    const call = { target: 'netlify', version: plan.version, plan_id: plan.id }
    await dying.call('execute_rollback', call).catch(() => undefined)
    netlify.fault(undefined)
    const server = await serve()
    const { interrupted } = await server.call('assess_rollback')
    const { id, version } = interrupted[direction]
    const result = await server.call('execute_rollback', { target: 'netlify', version, plan_id: id })
    const [good, broken] = netlify.deploys
    expect(result.outcome).toBe(direction === 'finish' ? 'succeeded' : 'undone')
    expect(netlify.publishedId()).toBe(direction === 'finish' ? good?.id : broken?.id)
    expect(good?.locked).toBe(direction === 'finish')
    if (direction === 'finish') expect(result.remains.join()).toContain('Auto publishing is stopped')
  })

test('hostile answers to the request that acts change nothing, follow nobody and say nothing secret', async () => {
  const answers: FakeAnswer[] = [
    { status: 403, body: { code: 403, message: `token ${netlify.token} may not` } },
    { status: 302, headers: { location: `${elsewhere.url}/steal` } },
    { status: 307, headers: { location: `${elsewhere.url}/steal` } },
    { status: 400, headers: { 'content-type': 'text/html' }, body: '<html>Log in</html>' },
    { status: 200, body: 'x'.repeat(10 * 1024 * 1024) }
  ]
  const server = await serve()
  for (const answer of answers) {
    netlify.fault(undefined)
    const { plan, risks } = await server.call('assess_rollback')
    const accept = risks.filter(({ serious }: Answer) => serious).map(({ id }: Answer) => id)
    netlify.fault(({ path }) => (path.endsWith('/restore') ? answer : undefined))
    const call = { target: 'netlify', version: plan.version, plan_id: plan.id, accept }
    const result = await server.call('execute_rollback', call)
    expect(['undone', 'stuck']).toContain(result.outcome)
    expect(JSON.stringify(result) + server.stderr()).not.toContain(netlify.token)
  }
  expect(netlify.publishedId()).toBe(netlify.deploys[1]?.id)
  expect(elsewhere.asked).toEqual([])
})
