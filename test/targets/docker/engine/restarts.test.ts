import { Server } from 'node:net'
import { expect, it } from 'vitest'
import { systemClock } from '../../../../src/support/clock.ts'
import { EngineError } from '../../../../src/targets/docker/engine/engine.ts'
import { throughRestarts } from '../../../../src/targets/docker/engine/restarts.ts'
import { engineThat } from './engine-that.ts'

const signal = AbortSignal.timeout(20_000)
const odd = () => new EngineError(500, 'driver failed', 'start the container', 'tcp://here')

it('an engine that takes no new connections is shutting down, whatever it answers on old ones: the work is repeated', async () => {
  const { engine, server } = await engineThat((_, response) => response.end('[]'))
  const address = server.address()
  const takeNoMore = () => Server.prototype.close.call(server)
  await engine.containers.list(signal)
  const waits: string[] = []
  const progress = (message: string): void => {
    waits.push(message)
    server.listen(address)
  }
  let tries = 0
  const result = await throughRestarts({ engine, clock: systemClock }, { signal, progress }, async () => {
    await engine.containers.list(signal)
    if (++tries > 1) return 'done'
    takeNoMore()
    // The old connection still answers.
    await engine.containers.list(signal)
    throw odd()
  })
  expect({ result, waits }).toEqual({ result: 'done', waits: ['the engine does not answer; waiting'] })
})

it('an odd failure of an engine that takes new connections is one', async () => {
  const { engine } = await engineThat((_, response) => response.end('[]'))
  let tries = 0
  const failing = throughRestarts({ engine, clock: systemClock }, { signal }, async () => {
    tries++
    throw odd()
  })
  await expect(failing).rejects.toThrow('driver failed')
  expect(tries).toBe(1)
})
