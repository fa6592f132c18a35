import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { askPage, comparedWith, type Page } from '../../src/http/page.ts'

const signal = () => AbortSignal.timeout(30_000)
const servers: Server[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function site(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const answering = (status: number, text = ''): Promise<string> =>
  site((_, response) => void response.writeHead(status).end(text))

test('what this machine cannot reach is unknown, and not down', async () => {
  const gone = await site(() => undefined)
  const [server] = servers.splice(0)
  await new Promise((resolve) => server?.close(resolve))
  const refused = await askPage(gone, {}, signal())
  const unnamed = await askPage('http://nowhere.invalid/', {}, signal())
  const noProxy = await askPage('http://shop.example.test/', { http_proxy: gone }, signal())
  for (const page of [refused, unnamed, noProxy]) {
    expect(page.state).toBe('unknown')
    expect(page.status).toBeUndefined()
    expect(page.detail).toContain('could not be asked from here')
  }
})

test('one connection that breaks is no verdict: the page is asked again', async () => {
  let asked = 0
  const address = await site((request, response) => {
    if (++asked === 1) request.socket.destroy()
    else response.end('hello')
  })
  expect(await askPage(address, {}, signal())).toMatchObject({ state: 'healthy', status: 200 })
})

test('a page that is too long to be read counts by its status', async () => {
  const page = await askPage(await answering(200, 'x'.repeat(6 * 1024 * 1024)), {}, signal())
  expect(page).toMatchObject({ state: 'healthy', status: 200 })
  expect(page.hash).toBeUndefined()
})

test('a server that fails is down; a page that is not there is unknown unless somebody says how it should answer', async () => {
  expect((await askPage(await answering(503), {}, signal())).state).toBe('down')
  const missing = await askPage(await answering(404), {}, signal())
  expect(missing).toMatchObject({ state: 'unknown', detail: expect.stringContaining('probe') })
})

test('a probe names the path and the status that counts', async () => {
  const address = await site((request, response) => {
    response.writeHead(request.url === '/api/health' ? 204 : 404).end()
  })
  const ask = (path: string, expect_status?: number): Promise<Page> =>
    askPage(address, {}, signal(), { probe: { path, ...(expect_status && { expect_status }) } })
  expect((await ask('/api/health')).state).toBe('healthy')
  expect((await ask('/api/health', 204)).state).toBe('healthy')
  expect((await ask('/api/health', 200)).state).toBe('degraded')
  expect((await ask('/', 404)).state).toBe('healthy')
  expect((await ask('/')).state).toBe('degraded')
})

test('a redirect that a probe expects is not followed', async () => {
  const address = await site((_, response) => void response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end())
  const page = await askPage(address, {}, signal(), { probe: { path: '/', expect_status: 307 } })
  expect(page).toMatchObject({ state: 'healthy', status: 307 })
})

const page = (state: Page['state'], status?: number): Page => ({
  state,
  detail: 'seen',
  ...(status !== undefined && { status })
})

test.each([
  ['a page that answers well passes', 500, page('healthy', 200), false, 'pass'],
  ['a page that fails fails', 200, page('down', 500), false, 'fail'],
  ['a page that fails as it did before fails when nothing else serves', 500, page('down', 500), false, 'fail'],
  ['a page that fails as it did before is unknown when others serve', 500, page('down', 500), true, 'unknown'],
  ['a page that answered well and is now missing fails', 200, page('unknown', 404), false, 'fail'],
  ['a page that was missing before is unknown', 404, page('unknown', 404), false, 'unknown'],
  ['a page that turns away whoever asks is unknown', 200, page('unknown', 403), false, 'unknown'],
  ['a page that could not be asked is unknown', 200, page('unknown'), true, 'unknown']
] as const)('%s', (_, before, now, othersServe, status) => {
  expect(comparedWith(before, now, othersServe).status).toBe(status)
})

test('the text of another site that a redirect leads to is not shown', async () => {
  const inner = (await answering(200, 'for this network only')).replace('127.0.0.1', 'localhost')
  const page = await askPage(
    await site((_, response) => void response.writeHead(302, { location: inner }).end()),
    {},
    signal()
  )
  expect(page).toMatchObject({ state: 'healthy', status: 200 })
  expect(page.text).toBeUndefined()
})

test('an address under which a cloud gives credentials is not asked, however it is written', async () => {
  for (const host of ['169.254.169.254', '2852039166', '[fe80::1]', '[::ffff:a9fe:a9fe]', 'metadata.google.internal']) {
    const moved = await site((_, response) => void response.writeHead(302, { location: `http://${host}/latest` }).end())
    for (const address of [`http://${host}/latest`, moved]) {
      const { state, detail } = await askPage(address, {}, signal())
      expect([state, detail]).toEqual(['unknown', expect.stringMatching(/No request was sent to .*/)])
    }
  }
})
