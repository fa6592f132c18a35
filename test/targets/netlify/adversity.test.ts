import { expect, onTestFinished, vi } from 'vitest'
import type { Answer } from '../../../testkit/built-server.ts'
import { type Answer as FakeAnswer, fakeServer } from '../../fakes/fake-server.ts'
import { execute, test as served } from './served.ts'

vi.setConfig({ testTimeout: 240_000 })

const test = served.extend({ config: { lock: true } })

for (const direction of ['finish', 'undo'] as const)
  test(`killed between publishing and locking, the rollback can be made to ${direction}`, async ({
    netlify,
    serve
  }) => {
    const dying = await serve()
    const assessment = await dying.call('assess_rollback')
    netlify.fault(({ path }) => {
      if (!path.endsWith('/lock')) return undefined
      dying.kill()
      return 'hang up'
    })
    await execute(dying, assessment).catch(() => undefined)
    netlify.fault(undefined)
    const server = await serve()
    const { interrupted } = await server.call('assess_rollback')
    const { id, version } = interrupted[direction]
    const result = await server.call('execute_rollback', { target: 'netlify', version, plan_id: id })
    const [, good, broken] = netlify.deploys
    expect(result.outcome).toBe(direction === 'finish' ? 'succeeded' : 'undone')
    expect(netlify.publishedId()).toBe(direction === 'finish' ? good?.id : broken?.id)
    expect(good?.locked).toBe(direction === 'finish')
    if (direction === 'finish') expect(result.remains.join()).toContain('Auto publishing is stopped')
  })

test('hostile answers to the request that acts change nothing, follow nobody and say nothing secret', async ({
  netlify,
  serve
}) => {
  const elsewhere = await fakeServer(() => ({ status: 200, body: {} }))
  onTestFinished(elsewhere.stop)
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
    const assessment = await server.call('assess_rollback')
    const accept = assessment.risks.filter(({ serious }: Answer) => serious).map(({ id }: Answer) => id)
    netlify.fault(({ path }) => (path.endsWith('/restore') ? answer : undefined))
    const result = await execute(server, assessment, { accept })
    expect(['undone', 'stuck']).toContain(result.outcome)
    expect(JSON.stringify(result) + server.stderr()).not.toContain(netlify.token)
  }
  expect(netlify.publishedId()).toBe(netlify.deploys[2]?.id)
  expect(elsewhere.asked).toEqual([])
})
