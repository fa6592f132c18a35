import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type HttpSettings, openHttp } from '../../src/http/client.ts'
import { statusOf } from '../../src/http/failure.ts'
import { allPages } from '../../src/http/pages.ts'
import { createMask } from '../../src/support/mask.ts'
import { type Answer, type FakeServer, fakeServer, pageOf } from '../fakes/fake-server.ts'

const schema = z.looseObject({ ok: z.boolean() })
const token = 'a-token-that-is-secret'

describe('a request to a platform', () => {
  let server: FakeServer
  let slept: number[]
  beforeEach(async () => {
    server = await fakeServer(() => ({ status: 200, body: { ok: true, new_field: 1 } }))
    slept = []
  })
  afterEach(() => server.stop())

  const client = (more: Partial<HttpSettings> = {}) => {
    const mask = createMask()
    mask.add(token)
    const clock = {
      now: () => new Date('2026-03-01T00:00:00Z'),
      sleep: async (ms: number) => void slept.push(ms),
      limit: (ms: number) => AbortSignal.timeout(ms)
    }
    const common = { service: 'Example', base: server.url, authorization: `Bearer ${token}`, env: {} }
    return openHttp({ ...common, clock, mask, log: () => undefined, ...more })
  }
  const ask = (parts: object = {}, more: Partial<HttpSettings> = {}) =>
    client(more).json({ doing: 'Asking', path: '/x', schema, signal: AbortSignal.timeout(20_000), ...parts })
  const answers = (...given: (Answer | 'hang up')[]) => server.fault(() => given.shift())

  test('refuses an answer that is nested too deep to be masked', async () => {
    const body = `{"ok":true,"new_field":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
    answers({ status: 200, body })
    await expect(ask()).rejects.toMatchObject({ code: 'unexpected_answer' })
  })

  test('gives the parsed answer, unknown fields included', async () => {
    expect((await ask()).body).toEqual({ ok: true, new_field: 1 })
    expect(server.asked[0]?.headers).toMatchObject({ authorization: `Bearer ${token}`, 'cache-control': 'no-cache' })
  })

  test('HTML in place of JSON is named, with the host', async () => {
    answers({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Log in</html>' })
    await expect(ask()).rejects.toMatchObject({ code: 'unexpected_answer', why: expect.stringMatching(/text\/html/) })
  })

  test('JSON of another shape is named', async () => {
    answers({ status: 200, body: { ok: 'yes' } })
    await expect(ask()).rejects.toMatchObject({ code: 'unexpected_answer', why: expect.stringMatching(/ok/) })
  })

  test('10 MB are not read to the end', async () => {
    answers({ status: 200, body: 'x'.repeat(10 * 1024 * 1024) })
    await expect(ask()).rejects.toMatchObject({ code: 'too_large' })
    expect(server.asked).toHaveLength(1)
  })

  test('a redirect to another host is not followed, so that no token leaves', async () => {
    const other = await fakeServer(() => ({ status: 200, body: { ok: true } }))
    answers({ status: 302, headers: { location: `${other.url}/x` } })
    await expect(ask()).rejects.toMatchObject({ code: 'redirected' })
    expect(other.asked).toEqual([])
    await other.stop()
  })

  test('a token that the other side echoes is masked', async () => {
    answers({ status: 400, body: { message: `bad token ${token}` } }, { status: 200, body: `<p>${token}</p>` })
    const error: unknown = await ask().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'refused', why: expect.stringMatching(/bad token \*\*\*/) })
    const html: unknown = await ask().catch((thrown: unknown) => thrown)
    expect(String((html as Error).message)).toMatch(/<p>\*\*\*/)
  })

  test('a redirect on the same host is followed when reading', async () => {
    answers({ status: 301, headers: { location: '/y' } })
    await ask()
    expect(server.log()).toEqual(['GET /x', 'GET /y'])
  })

  test.each([307, 308])('a write is repeated as it was after %d on the same host', async (status) => {
    answers({ status, headers: { location: '/y' } })
    await ask({ method: 'PATCH', body: { a: 1 } })
    expect(server.asked.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['PATCH', '/x', '{"a":1}'],
      ['PATCH', '/y', '{"a":1}']
    ])
    expect(server.asked[1]?.headers.authorization).toBe(`Bearer ${token}`)
  })

  test.each([
    ['POST', 301],
    ['POST', 302],
    ['PATCH', 303]
  ] as const)('%s is not sent on after %d, which may have made another request of it', async (method, status) => {
    answers({ status, headers: { location: '/y' } })
    await expect(ask({ method, body: {} })).rejects.toMatchObject({ code: 'redirected' })
    expect(server.log()).toEqual([`${method} /x`])
  })

  test('reading is tried again after a broken connection and after a server error', async () => {
    answers('hang up', { status: 502, body: '<html>' })
    expect((await ask()).body.ok).toBe(true)
    expect(server.asked).toHaveLength(3)
  })

  test('a write is not sent twice when it is not known whether it arrived', async () => {
    for (const failure of ['hang up' as const, { status: 502 }, { status: 503, headers: { 'retry-after': '1' } }]) {
      answers(failure)
      await expect(ask({ method: 'POST', body: {} })).rejects.toMatchObject({ retryable: true })
    }
    expect(server.asked).toHaveLength(3)
  })

  test('a write that a limit refused is sent again after the time that was asked for', async () => {
    answers({ status: 429, headers: { 'retry-after': '7' } })
    await ask({ method: 'POST', body: {} })
    expect(slept).toEqual([7000])
  })

  test.each([
    ['seconds', { 'retry-after': '3' }, 3000],
    ['a date', { 'retry-after': 'Sun, 01 Mar 2026 00:00:09 GMT' }, 9000],
    ['the reset of a used-up limit', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1772323205' }, 5000]
  ])('a limit that asks to wait by %s is obeyed', async (_, headers, ms) => {
    answers({ status: 403, headers, body: { message: 'slow down' } })
    await ask()
    expect(slept).toEqual([ms])
  })

  test('a secondary limit that names no time is given a minute', async () => {
    answers({ status: 403, body: { message: 'You have exceeded a secondary rate limit.' } })
    await ask()
    expect(slept).toEqual([60_000])
  })

  test('a limit that lasts too long is reported and not waited for', async () => {
    answers({ status: 429, headers: { 'retry-after': '3600' } })
    await expect(ask()).rejects.toMatchObject({ code: 'rate_limited', next: 'Try again in 1h 0m.' })
    expect(slept).toEqual([])
  })

  test('a 403 that is about rights is not waited for', async () => {
    answers({ status: 403, headers: { 'x-ratelimit-remaining': '4000' }, body: { message: 'Forbidden' } })
    await expect(ask()).rejects.toMatchObject({ code: 'no_rights' })
    expect(slept).toEqual([])
  })

  test('401 is an error of the configuration; `find` gives null for 404', async () => {
    answers({ status: 401, body: { message: 'Bad credentials' } })
    const error: unknown = await ask().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ fault: 'config', code: 'not_logged_in' })
    expect(statusOf(error)).toBe(401)
    answers({ status: 404 })
    expect(await client().find({ doing: 'Asking', path: '/x', schema, signal: AbortSignal.timeout(20_000) })).toBeNull()
  })

  test('an aborted request ends at once with the reason', async () => {
    const controller = new AbortController()
    server.fault(() => {
      controller.abort(new Error('enough'))
      return { status: 200, afterMs: 5000 }
    })
    await expect(ask({ signal: controller.signal })).rejects.toThrow('enough')
  })

  test('a port without a listener is reported as unreachable', async () => {
    const base = server.url
    await server.stop()
    await expect(ask({}, { base })).rejects.toMatchObject({ code: 'unreachable', retryable: true })
    server = await fakeServer(() => ({ status: 200 }))
  })

  describe('with a proxy in the environment', () => {
    const base = 'http://platform.example.test'
    let seen: string[]
    let address: string
    let proxy: Server
    beforeEach(async () => {
      seen = []
      proxy = createServer().on('connect', (incoming, socket) => {
        seen.push(incoming.url ?? '')
        socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
      })
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
      address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
    })
    afterEach(() => {
      proxy.closeAllConnections()
      proxy.close()
    })

    test.each(['http://{}', '{}', 'ada:pw@{}'])(
      'goes through it, spoken to in HTTP without a scheme: %s',
      async (stated) => {
        const env = { HTTP_PROXY: stated.replace('{}', address) }
        await expect(ask({}, { base, env })).rejects.toMatchObject({ code: 'unreachable' })
        expect(seen).toContain('platform.example.test:80')
      }
    )

    test('passes it by for hosts of NO_PROXY', async () => {
      const env = { HTTP_PROXY: address, NO_PROXY: 'example.test' }
      await expect(ask({}, { base, env })).rejects.toMatchObject({ code: 'unreachable' })
      expect(seen).toEqual([])
    })

    test.each(['', '*', 'other.example'])(
      'passes it by on the loopback, whatever NO_PROXY says: "%s"',
      async (NO_PROXY) => {
        expect((await ask({}, { env: { HTTP_PROXY: address, NO_PROXY } })).body.ok).toBe(true)
        expect(seen).toEqual([])
      }
    )
  })

  test.each(['http://', 'ftp://proxy:21', 'http://ann:s3cret@', '::', 'http://ann:%zz@proxy:1'])(
    'a proxy that is no address is named with its variable, and its password is not: %s',
    (stated) => {
      const thrown = (): unknown => {
        try {
          return client({ env: { https_proxy: stated } })
        } catch (error) {
          return error
        }
      }
      expect(thrown()).toMatchObject({ fault: 'config', code: 'bad_proxy', why: expect.stringMatching(/^https_proxy/) })
      expect(String(thrown())).not.toMatch(/s3cret|%zz/)
    }
  )

  test('8 MB of hyphens are read without a backtracking search, as an answer and as a refusal', async () => {
    const hyphens = `"${'token-'.repeat(1.3 * 1024 * 1024)}"`
    server.fault(() => ({ status: 200, body: hyphens }))
    await expect(ask()).rejects.toMatchObject({ code: 'unexpected_answer' })
    server.fault(() => ({ status: 400, body: hyphens }))
    await expect(ask()).rejects.toMatchObject({ code: 'refused' })
  })

  test('a refusal that holds secrets is masked and still read as JSON', async () => {
    answers({ status: 400, body: { token: 'x', message: 'password="s3cretpw" is wrong' } })
    await expect(ask()).rejects.toMatchObject({ why: expect.stringMatching(/password=\*\*\* is wrong/) })
  })

  test('pages are read to the end, or to a limit that is reported', async () => {
    const numbers = Array.from({ length: 250 }, (_, index) => index)
    server.fault((asked) => {
      const { items, headers } = pageOf(numbers, asked, server.url)
      return { status: 200, headers, body: items }
    })
    const request = { doing: 'Listing', path: '/n', query: { per_page: 100 }, signal: AbortSignal.timeout(20_000) }
    const all = await allPages(client(), { ...request, schema: z.array(z.number()) }, 10)
    expect(all).toEqual({ items: numbers, more: false })
    expect(await allPages(client(), { ...request, schema: z.array(z.number()) }, 2)).toMatchObject({ more: true })
  })

  test('a list whose next page is on another host is not followed', async () => {
    server.fault(() => ({ status: 200, headers: { link: '<https://elsewhere.example/2>; rel="next"' }, body: [] }))
    const request = { doing: 'Listing', path: '/n', signal: AbortSignal.timeout(20_000) }
    await expect(allPages(client(), { ...request, schema: z.array(z.number()) }, 5)).rejects.toMatchObject({
      code: 'redirected'
    })
  })
})
