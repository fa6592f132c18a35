import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createMask } from '../../../../../src/support/mask.ts'
import { configSchema } from '../../../../../src/targets/docker/config.ts'
import { setRestartPolicy } from '../../../../../src/targets/docker/containers/steps/actions.ts'
import { createEngine } from '../../../../../src/targets/docker/engine/client.ts'
import { connect } from '../../../../../src/targets/docker/engine/connect.ts'
import { containerSchema } from '../../../../../src/targets/docker/objects/schemas.ts'
import { hastyClock } from '../../../../harness/hasty-clock.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** Sets a policy on an engine that refuses so often, in these words; tells how often it was asked. */
async function asked(refusals: number, message: string): Promise<{ times: number; error: unknown }> {
  let times = 0
  const server = createServer((request, response) => {
    const isVersion = request.url?.endsWith('/version')
    if (!isVersion) times++
    if (isVersion) response.end(JSON.stringify({ ApiVersion: '1.45' }))
    else if (times <= refusals) response.writeHead(500).end(JSON.stringify({ message }))
    else response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const engine = createEngine(await connect({ host: `tcp://127.0.0.1:${port}` }, {}))
  closing.push(() => {
    engine.close()
    server.closeAllConnections()
    server.close()
  })
  const docker = {
    engine,
    config: configSchema.parse({}),
    projectDir: '/',
    env: {},
    clock: hastyClock(),
    log: () => undefined,
    mask: createMask(),
    logged: new Set<string>(),
    stopping: new Set<string>()
  }
  const container = containerSchema.parse({
    Id: 'c200',
    Name: '/web',
    Created: '2026-01-01T00:00:00Z',
    Image: 'sha256:1',
    State: { Status: 'restarting', Running: true, Restarting: true },
    Config: { Image: 'web:1' },
    HostConfig: { RestartPolicy: { Name: 'always' } },
    NetworkSettings: {}
  })
  const error = await setRestartPolicy(
    docker,
    container,
    { Name: 'no', MaximumRetryCount: 0 },
    AbortSignal.timeout(20_000)
  ).catch((refused: unknown) => refused)
  return { times, error }
}

it('waits where a container of a crash loop has just ended', async () => {
  const stopped = 'Cannot update container c200: cannot update a stopped container: unknown'
  expect(await asked(2, stopped)).toEqual({ times: 3, error: undefined })
})

it('gives up where it is refused all the time, or for another reason', async () => {
  expect(await asked(99, 'cannot update a stopped container')).toMatchObject({ times: 20, error: { status: 500 } })
  expect(await asked(99, 'no space left on device')).toMatchObject({ times: 1, error: { status: 500 } })
})
