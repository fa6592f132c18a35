import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../../../src/support/clock.ts'
import { ConfigError } from '../../../../src/support/errors.ts'
import { type Api, openApi, type WatchEvent } from '../../../../src/targets/kubernetes/client/api.ts'
import type { Connection } from '../../../../src/targets/kubernetes/client/connect.ts'
import { ApiFailure, unreachable } from '../../../../src/targets/kubernetes/client/failure.ts'
import { followList } from '../../../../src/targets/kubernetes/client/follow-list.ts'
import { metaOnlySchema } from '../../../../src/targets/kubernetes/objects/objects.ts'
import { virtualClock } from '../virtual-clock.ts'

const request = { doing: 'Watching', path: '/api/v1/pods' }
const inTime = AbortSignal.timeout(60_000)

test.each(['says nothing at all', 'goes silent after its headers'])(
  'a watch of a server that %s ends as unreachable',
  async (how) => {
    const server = createServer((_, response) => {
      if (how.includes('headers')) response.writeHead(200).flushHeaders()
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
    const api = openApi(connection, systemClock, { answerMs: 300, watchMs: 600 })
    await expect(api.watch({ ...request, signal: inTime }).next()).rejects.toMatchObject({ code: 'unreachable' })
    server.closeAllConnections()
    server.close()
  }
)

/** A server that answers each listing in turn, and has no news. */
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

test('a list is followed through a server that is away, and tells when it is out of touch', async () => {
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
])('what does not pass by itself ends it: %s', async (error) => {
  await expect(answering(['a'], error).list.ended).rejects.toBe(error)
})

test('news that is not understood ends it, rather than being asked for again and again', async () => {
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
