import { vi } from 'vitest'
import docker from '../../../src/targets/docker/index.ts'
import { makeImage } from '../../../testkit/docker/images.ts'
import { createWorld, isHealthy } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { fulfilsTheContract } from './contract.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'the contract of a target, on a Docker engine', () => {
  fulfilsTheContract(
    async () => docker,
    async () => {
      const world = createWorld()
      const secret = 'variable-of-a-container'
      await makeImage(world.repository, '1.1.0')
      await makeImage(world.repository, '1.2.0')
      await world.start('web', '1.2.0', '-e', `API_TOKEN=${secret}`)
      await isHealthy(`${world.prefix}-web`)
      const slash = world.repository.indexOf('/')
      const config = {
        image_name: world.repository.slice(slash + 1),
        registry: world.repository.slice(0, slash),
        settle_seconds: 1
      }
      return {
        opening: { env: process.env, config },
        elsewhere: { config: { ...config, host: 'tcp://127.0.0.1:9' } },
        secret,
        from: '1.2.0',
        to: '1.1.0',
        // Says nothing alone: each step that starts the replacement demands its own way, and all steps must agree (planted.test.ts).
        uncheckedParams: ['members.0.beside'],
        remove: () => world.remove()
      }
    }
  )
})
