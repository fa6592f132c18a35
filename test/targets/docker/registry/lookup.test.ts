import { expect, it } from 'vitest'
import { type Engine, EngineError } from '../../../../src/targets/docker/engine/client.ts'
import { lookUp } from '../../../../src/targets/docker/registry/lookup.ts'

const signal = new AbortController().signal

/** An engine whose registries answer as is said, and what it was asked. */
function engineThatHears(status: number, message: string): { engine: Engine; asked: string[] } {
  const asked: string[] = []
  const call = (_method: string, path: string): Promise<never> => {
    asked.push(path)
    return Promise.reject(new EngineError(status, message, `GET ${path}`, 'unix:///test.sock'))
  }
  return { engine: { call } as Partial<Engine> as Engine, asked }
}

const timeout =
  'Get "https://shop.example/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)'

it('a registry that cannot be reached is asked once, another one is asked still', async () => {
  const { engine, asked } = engineThatHears(500, timeout)
  for (const reference of ['shop.example/web:1.1.0', 'shop.example/web:1.0.0', 'other.example/web:1.0.0'])
    expect(await lookUp(engine, reference, {}, signal)).toMatchObject({ state: 'unreachable' })
  expect(asked).toEqual(['/distribution/shop.example/web:1.1.0/json', '/distribution/other.example/web:1.0.0/json'])
})

it('a registry that answers is asked about each version, whatever it answers', async () => {
  const { engine, asked } = engineThatHears(500, 'received unexpected HTTP status: 500 Internal Server Error')
  for (const version of ['1.1.0', '1.0.0']) await lookUp(engine, `shop.example/web:${version}`, {}, signal)
  expect(asked).toHaveLength(2)
})

it('a registry whose name is unknown is out of reach, which says nothing of the image', async () => {
  const { engine } = engineThatHears(500, 'Get "https://shop.example/v2/": dial tcp: lookup shop.example: no such host')
  expect(await lookUp(engine, 'shop.example/web:1.1.0', {}, signal)).toMatchObject({ state: 'unreachable' })
})
