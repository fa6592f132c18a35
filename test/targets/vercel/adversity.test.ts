import { describe, vi } from 'vitest'
import type { Answer } from '../../../testkit/built-server.ts'
import { type Answer as FakeAnswer, fakeServer } from '../../fakes/fake-server.ts'
import { execute, test } from './served.ts'

vi.setConfig({ testTimeout: 240_000 })

const isAct = (path: string): boolean => path.includes('/rollback/')

const answers: [string, (token: string, elsewhere: string) => FakeAnswer][] = [
  ['403', (token) => ({ status: 403, body: { error: { code: 'forbidden', message: `token ${token} may not` } } })],
  ['302', (_, elsewhere) => ({ status: 302, headers: { location: `${elsewhere}/steal` } })],
  ['307', (_, elsewhere) => ({ status: 307, headers: { location: `${elsewhere}/steal` } })],
  ['HTML', () => ({ status: 400, headers: { 'content-type': 'text/html' }, body: '<html>Log in</html>' })],
  ['10 MB', () => ({ status: 200, body: 'x'.repeat(10 * 1024 * 1024) })]
]

// Side by side, for they mostly wait: ten seconds alone for a sign of a request that nobody confirmed.
describe.concurrent('adversity on vercel', () => {
  for (const direction of ['finish', 'undo'] as const)
    test(`killed while Vercel’s job is at work, the rollback can be made to ${direction}`, async ({
      vercel,
      serve,
      expect
    }) => {
      let over = (): void => undefined
      vercel.job.until = new Promise((resolve) => {
        over = resolve
      })
      const dying = await serve()
      const assessment = await dying.call('assess_rollback')
      let begun = false
      vercel.fault(({ path }) => {
        if (isAct(path)) begun = true
        else if (begun && path.startsWith('/v9/projects/')) dying.kill()
        return undefined
      })
      await execute(dying, assessment).catch(() => undefined)
      vercel.fault(undefined)
      const server = await serve()
      const { interrupted } = await server.call('assess_rollback')
      const { id, version } = interrupted[direction]
      const call = { target: 'vercel', version, plan_id: id }
      const onProgress = (message: string) => message.includes('moving the domains') && over()
      const result = await server.call('execute_rollback', call, { onProgress })
      expect(result.outcome).toBe(direction === 'finish' ? 'succeeded' : 'undone')
      expect(vercel.busy()).toBe(false)
      expect(vercel.production()).toBe(vercel.deployments[direction === 'finish' ? 1 : 2]?.uid)
    })

  test('killed while it checks, the rollback that was done is proven by whoever finishes it', async ({
    vercel,
    serve,
    expect
  }) => {
    const dying = await serve()
    const assessment = await dying.call('assess_rollback')
    vercel.fault(({ path }) => {
      if (path.startsWith('/v4/aliases/')) dying.kill()
      return undefined
    })
    await execute(dying, assessment).catch(() => undefined)
    vercel.fault(undefined)
    const server = await serve()
    const { interrupted } = await server.call('assess_rollback')
    const { id, version } = interrupted.finish
    const result = await server.call('execute_rollback', { target: 'vercel', version, plan_id: id })
    expect(result.outcome).toBe('succeeded')
    expect(result.remains.join()).toContain('no longer assigns')
  })

  for (const [name, answer] of answers)
    test(`hostile answers to the request that acts change nothing, follow nobody and say nothing secret: ${name}`, async ({
      vercel,
      serve,
      expect,
      onTestFinished
    }) => {
      const elsewhere = await fakeServer(() => ({ status: 200, body: {} }))
      onTestFinished(elsewhere.stop)
      const server = await serve()
      const assessment = await server.call('assess_rollback')
      const accept = assessment.risks.filter(({ serious }: Answer) => serious).map(({ id }: Answer) => id)
      const given = answer(vercel.token, elsewhere.url)
      vercel.fault(({ path }) => (isAct(path) ? given : undefined))
      const { version, id } = assessment.plan
      const result = await server.call('execute_rollback', { target: 'vercel', version, plan_id: id, accept })
      expect(['undone', 'stuck']).toContain(result.outcome)
      expect(JSON.stringify(result) + server.stderr()).not.toContain(vercel.token)
      expect(vercel.production()).toBe(vercel.deployments[2]?.uid)
      expect(elsewhere.asked).toEqual([])
    })

  test('a platform that turns hostile after it has acted leaves the rollback in place', async ({
    vercel,
    serve,
    expect
  }) => {
    const server = await serve()
    const assessment = await server.call('assess_rollback')
    let acted = false
    vercel.fault(({ path }) => {
      if (acted) return { status: 403, body: { error: { code: 'forbidden', message: `no ${vercel.token}` } } }
      acted = isAct(path)
      return undefined
    })
    const result = await execute(server, assessment)
    expect(result.outcome).toBe('stuck')
    expect(vercel.production()).toBe(vercel.deployments[1]?.uid)
    expect(JSON.stringify(result) + server.stderr()).not.toContain(vercel.token)
  })
})
