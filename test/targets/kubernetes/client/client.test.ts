import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../../../src/support/clock.ts'
import { ConfigError } from '../../../../src/support/errors.ts'
import { type Api, type ApiLimits, openApi, type WatchEvent } from '../../../../src/targets/kubernetes/client/api.ts'
import type { Connection } from '../../../../src/targets/kubernetes/client/connect.ts'
import { ApiFailure, unreachable } from '../../../../src/targets/kubernetes/client/failure.ts'
import { followList } from '../../../../src/targets/kubernetes/client/follow-list.ts'
import { metaOnlySchema } from '../../../../src/targets/kubernetes/objects/objects.ts'
import { virtualClock } from '../virtual-clock.ts'

const request = { doing: 'Watching', path: '/api/v1/pods' }
const inTime = AbortSignal.timeout(60_000)

/** An API server that answers as told, and a client of it. */
async function serving(
  answer: (response: ServerResponse) => void,
  limits: Partial<ApiLimits>
): Promise<{ api: Api; requests(): number; stop(): void }> {
  let requests = 0
  const server = createServer((_, response) => {
    requests++
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const connection: Connection = {
    server: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    namespace: 'shop',
    context: 'test',
    files: [],
    access: async () => ({ options: {}, refused: async () => undefined }),
    close: () => undefined
  }
  const stop = (): void => {
    server.closeAllConnections()
    server.close()
  }
  return { api: openApi(connection, systemClock, limits), requests: () => requests, stop }
}

test.each<[string, (response: ServerResponse) => void]>([
  ['says nothing at all', () => undefined],
  ['goes silent after its headers', (response) => response.writeHead(200).flushHeaders()]
])('a watch of a server that %s ends as unreachable', async (_, answer) => {
  const { api, stop } = await serving(answer, { answerMs: 300, watchMs: 600 })
  await expect(api.watch({ ...request, signal: inTime }).next()).rejects.toMatchObject({ code: 'unreachable' })
  stop()
})

/** Sends one JSON text that never ends, as long as it is read. */
const endless = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const more = (): void => {
    while (!response.destroyed && response.write('"'.padEnd(10_000, 'x')));
  }
  response.on('drain', more)
  more()
}

test.each<[string, (api: Api) => Promise<unknown>]>([
  ['an answer', (api) => api.send({ ...request, signal: inTime }, metaOnlySchema)],
  ['a list', (api) => api.list({ ...request, signal: inTime }, metaOnlySchema)],
  ['a log', (api) => api.text({ ...request, signal: inTime })],
  ['a change of a watch', (api) => api.watch({ ...request, signal: inTime }).next()]
])('%s of a server that sends without end is given up at the limit, and not tried again', async (_, ask) => {
  const { api, requests, stop } = await serving(endless, { maxBytes: 200_000 })
  await expect(ask(api)).rejects.toMatchObject({ code: 'too_large', retryable: false })
  expect(requests()).toBe(1)
  stop()
})

/** A server that answers each listing in turn, and has no changes. */
function answering(...answers: (Error | string[])[]) {
  const end = new AbortController()
  const clock = virtualClock()
  const told: string[][] = []
  const touched: boolean[] = []
  const api = {
    async list() {
      const answer = answers.shift()
      if (!answer) end.abort()
      if (answer instanceof Error) throw answer
      return { items: (answer ?? []).map((name) => metaOnlySchema.parse({ metadata: { name } })), resourceVersion: '1' }
    },
    async *watch(): AsyncGenerator<WatchEvent> {}
  } as unknown as Api
  const list = followList(api, clock, request, metaOnlySchema, end.signal)
  list.join({
    wants: () => true,
    tell: (items) => void told.push(items.map(({ metadata }) => metadata.name)),
    inTouch: (is) => void touched.push(is)
  })
  return { list, told, touched }
}

test('a list is followed while its server is away, and its followers learn that no changes arrive', async () => {
  const { list, told, touched } = answering(
    ['a'],
    unreachable('cluster.example', 'connection refused'),
    new ApiFailure('Listing', 410, {}),
    new Error('socket hang up'),
    ['a', 'b']
  )
  await list.ended
  expect(told.slice(0, 2)).toEqual([['a'], ['a', 'b']])
  expect(touched.slice(0, 4)).toEqual([false, true, false, true])
})

test.each([
  new ConfigError({ what: 'Logging in failed', why: 'expired', next: '', code: 'login_failed' }),
  new ApiFailure('Listing', 403, {}),
  new ApiFailure('Listing', 422, {})
])('an error that stays without a change ends it: %s', async (error) => {
  await expect(answering(['a'], error).list.ended).rejects.toBe(error)
})

test('a change of an unknown form ends it, and is not requested again and again', async () => {
  const end = new AbortController()
  const api = {
    list: async () => ({ items: [], resourceVersion: '1' }),
    async *watch(): AsyncGenerator<WatchEvent> {
      yield { type: 'ADDED', object: { kind: 'Nonsense' } }
    }
  } as unknown as Api
  const list = followList(api, virtualClock(), request, metaOnlySchema, end.signal)
  await expect(list.ended).rejects.toMatchObject({ code: 'bad_answer' })
})
