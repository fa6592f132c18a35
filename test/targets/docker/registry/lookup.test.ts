import { expect, it } from 'vitest'
import { createMask } from '../../../../src/support/mask.ts'
import { EngineError } from '../../../../src/targets/docker/engine/engine.ts'
import { lookUp, lookUpOnce } from '../../../../src/targets/docker/registry/lookup.ts'

const noLogin = { registry: 'shop.example' }
const signal = new AbortController().signal

/** An engine whose registries answer as is said, and what it was asked. */
function engineThatHears(status: number, message: string): { context: Parameters<typeof lookUp>[0]; asked: string[] } {
  const asked: string[] = []
  const distribution = (reference: string): Promise<never> => {
    asked.push(reference)
    return Promise.reject(new EngineError(status, message, `look up ${reference}`, 'unix:///test.sock'))
  }
  return { context: { engine: { trusted: true, images: { distribution } }, env: {}, mask: createMask() }, asked }
}

const timeout =
  'Get "https://shop.example/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)'

it('a registry that cannot be reached is asked once; another one is still asked', async () => {
  const { context, asked } = engineThatHears(500, timeout)
  for (const reference of ['shop.example/web:1.1.0', 'shop.example/web:1.0.0', 'other.example/web:1.0.0'])
    expect(await lookUp(context, reference, noLogin, signal)).toMatchObject({ state: 'unreachable' })
  expect(asked).toEqual(['shop.example/web:1.1.0', 'other.example/web:1.0.0'])
})

it('a registry that answers is asked about each version, whatever it answers', async () => {
  const { context, asked } = engineThatHears(500, 'received unexpected HTTP status: 500 Internal Server Error')
  for (const version of ['1.1.0', '1.0.0']) await lookUp(context, `shop.example/web:${version}`, noLogin, signal)
  expect(asked).toHaveLength(2)
})

it('a registry whose name does not resolve is unreachable, which says nothing about the image', async () => {
  const { context } = engineThatHears(
    500,
    'Get "https://shop.example/v2/": dial tcp: lookup shop.example: no such host'
  )
  expect(await lookUp(context, 'shop.example/web:1.1.0', noLogin, signal)).toMatchObject({ state: 'unreachable' })
})

it('a release that is only listed is looked up once where the registry has it, else again', async () => {
  const asked: string[] = []
  const digest = `sha256:${'a'.repeat(64)}`
  const distribution = async (reference: string) => {
    asked.push(reference)
    if (reference.endsWith(':1.1.0')) return { Descriptor: { digest } }
    throw new EngineError(404, 'manifest unknown', 'look up', 'unix:///test.sock')
  }
  const context = { engine: { trusted: true, images: { distribution } }, env: {}, mask: createMask() }
  for (const version of ['1.1.0', '1.0.0', '1.1.0', '1.0.0'])
    expect(await lookUpOnce(context, `shop.example/web:${version}`, noLogin, signal)).toMatchObject(
      version === '1.1.0' ? { state: 'there', digest } : { state: 'gone' }
    )
  expect(asked.map((reference) => reference.split(':')[1])).toEqual(['1.1.0', '1.0.0', '1.0.0'])
})
