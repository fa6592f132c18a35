import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { mebibyte, TooLarge } from '../../src/http/body.ts'
import { probe } from '../../src/http/probe.ts'
import { request } from '../../src/http/request.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const around = () => ({ env: {}, signal: AbortSignal.timeout(20_000) })

/** Sends without end, as fast as it is read. */
const endless: RequestListener = (_, response) => {
  const chunk = Buffer.alloc(65_536, 'x')
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', more)
  more()
}

describe('a plain request', () => {
  test('gives every status, with its headers and body', async () => {
    const url = await serving((_, response) => void response.writeHead(418, { 'x-pot': 'tea' }).end('short and stout'))
    const answer = await request(url, around())
    expect(answer).toMatchObject({ status: 418, headers: { 'x-pot': 'tea' }, cut: false })
    expect(answer.body.toString()).toBe('short and stout')
  })

  test('does not follow a redirect', async () => {
    const asked: unknown[] = []
    const url = await serving((incoming, response) => {
      asked.push(incoming.url)
      response.writeHead(302, { location: '/elsewhere' }).end()
    })
    expect(await request(url, around())).toMatchObject({ status: 302 })
    expect(asked).toEqual(['/'])
  })

  test('gives up on a body that never ends, with little memory', async () => {
    const url = await serving(endless)
    const before = process.memoryUsage().rss
    await expect(request(url, around())).rejects.toThrow(TooLarge)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * mebibyte)
    const { body, cut } = await request(url, { ...around(), maxBytes: 1000, cut: true })
    expect([body.length, cut]).toEqual([1000, true])
  })

  test('gives up on a body that trickles, once its time is over', async () => {
    const url = await serving((_, response) => {
      const timer = setInterval(() => response.write('.'), 20)
      response.on('close', () => clearInterval(timer))
    })
    await expect(request(url, { ...around(), limitMs: 200 })).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})

describe('a probe', () => {
  const answering = (status: number): Promise<string> => serving((_, response) => void response.writeHead(status).end())

  test.each([
    [200, undefined, true],
    [302, undefined, true],
    [404, undefined, false],
    [503, undefined, false],
    [404, 404, true],
    [200, 404, false]
  ])('of an address that answers %d, expected %s: %s', async (status, expectStatus, ok) => {
    const url = await answering(status)
    expect(await probe(url, { ...around(), expectStatus })).toEqual({ ok, status, detail: `${url} answers ${status}` })
  })

  test('judges by the status, and does not wait for a body that never ends', async () => {
    expect(await probe(await serving(endless), around())).toMatchObject({ ok: true, status: 200 })
  })

  test('asks over a new connection each time', async () => {
    const ports = new Set<number | undefined>()
    const url = await serving((incoming, response) => {
      ports.add(incoming.socket.remotePort)
      response.end()
    })
    for (const _ of [1, 2, 3]) await probe(url, around())
    expect(ports.size).toBe(3)
  })

  test('names what kept the answer away, and never throws for it', async () => {
    const url = await answering(200)
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
    expect(await probe(url, around())).toEqual({
      ok: false,
      detail: expect.stringMatching(/does not answer: .*ECONNREFUSED/)
    })
    const byName = await probe(url.replace('127.0.0.1', 'localhost'), around())
    expect(byName.detail).toMatch(/ECONNREFUSED/)
    const silent = await serving(() => undefined)
    expect(await probe(silent, { ...around(), limitMs: 100 })).toMatchObject({ ok: false })
  })

  test('ends with the reason of its signal when aborted', async () => {
    const silent = await serving(() => undefined)
    await expect(probe(silent, { env: {}, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })
})
