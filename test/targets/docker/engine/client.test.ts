import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { createEngine } from '../../../../src/targets/docker/engine/client.ts'
import { connect } from '../../../../src/targets/docker/engine/connect.ts'
import { linesOf } from '../../../../src/targets/docker/engine/lines.ts'
import { type Answer, engineThat } from './engine-that.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const signal = (): AbortSignal => AbortSignal.timeout(20_000)

const json =
  (value: unknown, status = 200): Answer =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))

/** Sends without end, as fast as it is read. */
const endless =
  (status: number): Answer =>
  async (_request, response) => {
    const chunk = Buffer.alloc(1024 * 1024, 'a')
    response.writeHead(status, { 'content-type': 'application/json' })
    while (!response.destroyed) if (!response.write(chunk)) await wait(1)
  }

it('asks for the API version once, and speaks the older of both', async () => {
  const older = await engineThat(json([]), '1.41')
  await older.engine.containers.list(signal())
  await older.engine.images.list(signal())
  expect(older.seen.map(({ url }) => url)).toEqual([
    '/version',
    '/v1.41/containers/json?all=true',
    '/v1.41/images/json?digests=true'
  ])
  const newer = await engineThat(json([]), '2.3')
  expect(await newer.engine.apiVersion(signal())).toBe('1.48')
})

it('asks for the version again after it could not be read', async () => {
  let versions = 0
  const server = createServer((_request, response) => {
    response.end(versions++ === 0 ? '<html>a login page</html>' : JSON.stringify({ ApiVersion: '1.40' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const engine = createEngine(await connect({ host: `tcp://127.0.0.1:${port}` }, {}))
  onTestFinished(() => engine.close())
  await expect(engine.apiVersion(signal())).rejects.toMatchObject({
    code: 'engine_unreachable',
    why: expect.stringContaining('a login page')
  })
  expect(await engine.apiVersion(signal())).toBe('1.40')
})

it('takes "it is so already" for success: a container that runs is started, one that is stopped is stopped', async () => {
  const { engine, seen } = await engineThat((_request, response) => response.writeHead(304).end())
  await engine.containers.start('web', signal())
  await engine.containers.stop('web', { seconds: 5, graceSeconds: 5 }, signal())
  await engine.containers.stop('web', { seconds: null, graceSeconds: 10 }, signal())
  expect(seen.slice(1).map(({ url, body }) => `${url} ${body}`)).toEqual([
    '/v1.45/containers/web/start ',
    '/v1.45/containers/web/stop?t=5 ',
    '/v1.45/containers/web/stop '
  ])
})

it('gives a log as it is, also one that looks like JSON', async () => {
  const line = '{"level":"error","message":"no such table"}'
  const { engine } = await engineThat((_request, response) => response.end(line))
  expect(String(await engine.containers.logs('web', 100, signal()))).toBe(line)
})

it('takes nothing from DOCKER_HOST and DOCKER_CERT_PATH of this process', async () => {
  vi.stubEnv('DOCKER_HOST', 'https://[')
  vi.stubEnv('DOCKER_CERT_PATH', '/nonexistent')
  const { engine } = await engineThat(json([]))
  expect(await engine.containers.list(signal())).toEqual([])
})

it('ends every call when it is aborted, before and within the answer', async () => {
  const { engine } = await engineThat((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{')
  })
  const calls = [
    (aborted: AbortSignal) => engine.images.inspect('web:1.1.0', aborted),
    (aborted: AbortSignal) => engine.containers.inspect('web', aborted),
    (aborted: AbortSignal) => engine.images.distribution('web:1.1.0', {}, aborted),
    (aborted: AbortSignal) => engine.info(aborted)
  ]
  for (const call of calls) {
    const stop = new AbortController()
    const ended = expect(call(stop.signal)).rejects.toThrow('enough')
    await wait(50)
    stop.abort(new Error('enough'))
    await ended
    await expect(call(AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
  }
})

it('gives up on an engine that accepts the call and never answers', async () => {
  const { engine } = await engineThat(() => undefined)
  await expect(engine.ping(signal(), 200)).rejects.toMatchObject({
    code: 'engine_unreachable',
    why: expect.stringContaining('did not answer in time'),
    retryable: true
  })
})

it('stops to read what has no end, and its memory stays small', async () => {
  const { engine } = await engineThat(endless(200))
  const before = process.memoryUsage().rss
  await expect(engine.info(signal())).rejects.toMatchObject({
    code: 'engine_answer',
    why: expect.stringContaining('longer than')
  })
  const archive = engine.containers.readArchive('web', '/file', signal())
  await expect(archive).rejects.toMatchObject({ code: 'engine_answer' })
  expect((await engine.containers.logs('web', 100, signal())).length).toBe(8 * 1024 * 1024)
  const events = await engine.events({ container: 'web' }, signal())
  const reading = async () => {
    for await (const line of linesOf(events, engine.address)) throw new Error(line)
  }
  await expect(reading()).rejects.toMatchObject({ code: 'engine_answer', why: expect.stringContaining('no end') })
  expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024)
})

it('stops to read an error that has no end', async () => {
  const { engine } = await engineThat(endless(500))
  await expect(engine.info(signal())).rejects.toMatchObject({ code: 'engine_answer' })
})

it('follows no redirect', async () => {
  let followed = false
  const { engine } = await engineThat((request, response) => {
    if (request.url === '/elsewhere') followed = true
    response.writeHead(302, { location: '/elsewhere' }).end('{}')
  })
  await engine.ping(signal())
  expect(followed).toBe(false)
})

it.each([
  [404, 'not_found', false],
  [409, 'conflict', false],
  [500, 'engine_refused', true]
])('says what was refused with HTTP %i, and why', async (status, code, retryable) => {
  const { engine } = await engineThat(json({ message: 'no such network: shop' }, status))
  await expect(engine.networks.connect('shop', 'web', null, signal())).rejects.toMatchObject({
    what: 'The Docker engine refused to connect web to the network shop',
    why: '"no such network: shop"',
    code,
    status,
    retryable
  })
})

it('refuses an answer that is nested too deep to be walked', async () => {
  const deep = `{"Id":"web","Config":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
  const { engine } = await engineThat((_, response) => response.end(deep))
  await expect(engine.containers.inspect('web', signal())).rejects.toMatchObject({
    code: 'engine_answer',
    why: expect.stringContaining('nested too deep')
  })
})

it('gives null for what does not exist', async () => {
  const { engine } = await engineThat(json({ message: 'no such thing' }, 404))
  expect(await engine.containers.inspect('web', signal())).toBeNull()
  expect(await engine.images.inspect('web', signal())).toBeNull()
  expect(await engine.services.inspect('web', signal())).toBeNull()
  const noSwarm = await engineThat(json({ message: 'This node is not a swarm manager.' }, 503))
  expect(await noSwarm.engine.services.inspect('web', signal())).toBeNull()
})

it.each([
  ['a page', '<html>hello</html>'],
  ['nothing', ''],
  ['null', 'null'],
  ['another object', '{"hello":1}']
])('refuses %s in place of an answer', async (_, body) => {
  const { engine } = await engineThat((_request, response) => response.end(body))
  const calls = [engine.containers.create('web', {}, signal()), engine.containers.list(signal())]
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'engine_answer' })
})

it('puts what a container is made of into the body alone, where no log of addresses shows it', async () => {
  const { engine, seen } = await engineThat(json({ Id: 'abc' }, 201))
  const body = { Image: 'web', Env: ['PASSWORD=hunter2'] }
  expect(await engine.containers.create('web', body, signal())).toBe('abc')
  expect(seen.at(-1)).toMatchObject({ method: 'POST', url: '/v1.45/containers/create?name=web' })
  expect(JSON.parse(seen.at(-1)?.body ?? '')).toEqual(body)
})

it('logs in to a registry by a header alone', async () => {
  const auth = { 'X-Registry-Auth': 'c2VjcmV0' }
  const { engine, seen } = await engineThat(json({ Descriptor: { digest: 'sha256:1' } }))
  await engine.images.distribution('shop.example/web:1.1.0', auth, signal())
  const progress = await engine.images.pull('shop.example/web@sha256:1', auth, signal())
  progress.destroy()
  expect(seen.slice(1).map(({ url, body, headers }) => [url, body, headers['x-registry-auth']])).toEqual([
    ['/v1.45/distribution/shop.example/web:1.1.0/json', '', 'c2VjcmV0'],
    ['/v1.45/images/create?fromImage=shop.example%2Fweb%40sha256%3A1', '', 'c2VjcmV0']
  ])
})

it('updates a service at the version that was read', async () => {
  const { engine, seen } = await engineThat(json({}))
  const spec = { Name: 'web', TaskTemplate: { ContainerSpec: { Image: 'web:2' } }, Mode: {} }
  const service = { ID: 'abc', Version: { Index: 7 }, CreatedAt: '', UpdatedAt: '', Spec: spec }
  await engine.services.update(service, 'previous', {}, signal())
  await engine.services.update(service, { ...spec, Name: 'other' }, {}, signal())
  expect(seen.slice(1).map(({ url, body }) => [url, JSON.parse(body).Name])).toEqual([
    ['/v1.45/services/abc/update?version=7&rollback=previous&registryAuthFrom=previous-spec', 'web'],
    ['/v1.45/services/abc/update?version=7', 'other']
  ])
})

it('tells a stream that breaks off from one that ends', async () => {
  const { engine } = await engineThat((_request, response) => {
    response.write('{"status":"Pulling"}\n')
    setTimeout(() => response.destroy(), 20)
  })
  const lines: string[] = []
  const reading = async () => {
    for await (const line of linesOf(await engine.images.pull('web', {}, signal()), engine.address)) lines.push(line)
  }
  await expect(reading()).rejects.toMatchObject({ code: 'engine_unreachable', retryable: true })
  expect(lines).toEqual(['{"status":"Pulling"}'])
})

it('lists images again where one was removed while they were listed, and tells any other failure at once', async () => {
  let vanishing = 2
  const { engine } = await engineThat((request, response) => {
    const message = 'failed to read config content: NotFound: content digest sha256:1c41: not found'
    return vanishing-- > 0 ? json({ message }, 500)(request, response) : json([])(request, response)
  })
  expect(await engine.images.list(signal())).toEqual([])
  const broken = await engineThat(json({ message: 'no space left on device' }, 500))
  await expect(broken.engine.images.list(signal())).rejects.toThrow(/no space left/)
  expect(broken.seen.filter(({ url }) => url.includes('/images/'))).toHaveLength(1)
})

it('ends a wait at its limit, although the engine has begun to answer', async () => {
  const { engine } = await engineThat((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
  })
  await expect(engine.containers.waitUntilStopped('web', 100, signal())).rejects.toMatchObject({
    code: 'engine_unreachable'
  })
})
