import { expect, it } from 'vitest'
import { createMask } from '../../../../../src/support/mask.ts'
import { configSchema } from '../../../../../src/targets/docker/config.ts'
import { setRestartPolicy } from '../../../../../src/targets/docker/containers/steps/actions.ts'
import { containerSchema } from '../../../../../src/targets/docker/objects/schemas.ts'
import { hastyClock } from '../../../../harness/hasty-clock.ts'
import { engineThat } from '../../engine/engine-that.ts'

/** Sets a policy on an engine that refuses so often, in these words; tells how often it was asked. */
async function asked(refusals: number, message: string): Promise<{ times: number; error: unknown }> {
  let times = 0
  const { engine } = await engineThat((_request, response) => {
    times++
    if (times <= refusals) response.writeHead(500).end(JSON.stringify({ message }))
    else response.end('{}')
  })
  const docker = {
    engine,
    config: configSchema.parse({}),
    projectDir: '/',
    env: {},
    clock: hastyClock(),
    log: () => undefined,
    mask: createMask(),
    history: [],
    withConfig: false,
    logged: new Set<string>(),
    stopping: new Set<string>(),
    answersBefore: new Map()
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
