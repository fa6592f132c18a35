import { expect, it } from 'vitest'
import { EngineError } from '../../../../src/targets/docker/engine/engine.ts'
import { lookUp } from '../../../../src/targets/docker/registry/lookup.ts'

const signal = new AbortController().signal

/** An engine whose registries answer as is said, and what it was asked. */
function engineThatHears(status: number, message: string): { engine: Parameters<typeof lookUp>[0]; asked: string[] } {
  const asked: string[] = []
  const distribution = (reference: string): Promise<never> => {
    asked.push(reference)
    return Promise.reject(new EngineError(status, message, `look up ${reference}`, 'unix:///test.sock'))
  }
  return { engine: { images: { distribution } }, asked }
}

const timeout =
  'Get "https://shop.example/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)'

it('a registry that cannot be reached is asked once; another one is still asked', async () => {
  const { engine, asked } = engineThatHears(500, timeout)
  for (const reference of ['shop.example/web:1.1.0', 'shop.example/web:1.0.0', 'other.example/web:1.0.0'])
    expect(await lookUp(engine, reference, {}, signal)).toMatchObject({ state: 'unreachable' })
  expect(asked).toEqual(['shop.example/web:1.1.0', 'other.example/web:1.0.0'])
})

it('a registry that answers is asked about each version, whatever it answers', async () => {
  const { engine, asked } = engineThatHears(500, 'received unexpected HTTP status: 500 Internal Server Error')
  for (const version of ['1.1.0', '1.0.0']) await lookUp(engine, `shop.example/web:${version}`, {}, signal)
  expect(asked).toHaveLength(2)
})

it('a registry whose name does not resolve is unreachable, which says nothing about the image', async () => {
  const { engine } = engineThatHears(500, 'Get "https://shop.example/v2/": dial tcp: lookup shop.example: no such host')
  expect(await lookUp(engine, 'shop.example/web:1.1.0', {}, signal)).toMatchObject({ state: 'unreachable' })
})
