import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { BuiltServer } from '../../../testkit/built-server.ts'
import { docker, makeImage } from '../../../testkit/docker/images.ts'
import { makeProxyImage, remembers } from '../../../testkit/docker/proxy-image.ts'
import { createWorld, until, type World } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { createScene, execute, type Scene } from './scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'a service behind nginx, whose address changes', ({ nginx = '' }) => {
  let world: World
  let scene: Scene
  let server: BuiltServer

  beforeAll(async () => {
    if (!nginx) return
    world = createWorld()
    for (const version of ['1.1.0', '1.2.0']) await makeImage(world.repository, version)
    await makeProxyImage(nginx, `${world.repository}-remembers:1`, 'web:8080', remembers)
    await makeProxyImage(nginx, `${world.repository}-anew:1`, 'web:8080')
    await makeProxyImage(nginx, `${world.repository}-other:1`, '', () => ' return 503;')
    await docker('network', 'create', world.prefix)
  })
  afterEach(async () => {
    await scene?.close()
    await world?.clear()
  })
  afterAll(() => world?.remove())

  const deploy = async (...proxies: string[]): Promise<void> => {
    const on = ['--network', world.prefix]
    await world.start('web', '1.2.0', ...on, '--network-alias', 'web')
    await until('it is healthy', async () =>
      /healthy/.test(await docker('inspect', '--format', '{{.State.Health.Status}}', `${world.prefix}-web`))
    )
    for (const proxy of proxies) {
      const image = `${world.repository}-${proxy}:1`
      await docker('run', '-d', '--name', `${world.prefix}-${proxy}`, ...on, '-p', '127.0.0.1::8080', image)
    }
    scene = await createScene(world)
    server = await scene.serve()
  }

  it.skipIf(!nginx)('is unverified while nginx remembers the old one, and serves once it is reloaded', async () => {
    await deploy('remembers')
    const reload = ['kill', '-s', 'HUP', `${world.prefix}-remembers`]
    const assessed = await server.call('assess_rollback', {})
    expect(assessed.summary).toContain(`docker ${reload.join(' ')}`)
    const done = await execute(server, assessed)
    expect(done).toMatchObject({ outcome: 'unverified' })
    expect(done.summary).toContain('it answered 200 before the rollback')
    expect(done.summary).toContain(`docker ${reload.join(' ')}`)
    await docker(...reload)
    expect(await server.call('verify_rollback', {})).toMatchObject({ verdict: 'healthy' })
  })

  it.skipIf(!nginx)('succeeds where the proxy resolves anew, and another one failed before already', async () => {
    await deploy('anew', 'other')
    const done = await execute(server, await server.call('assess_rollback', {}))
    expect(done).toMatchObject({ outcome: 'succeeded' })
    const { summary } = await server.call('verify_rollback', {})
    expect(summary).toContain('it answered 503 before the rollback too')
    expect(summary).toMatch(/-anew reaches the service.*answers 200/)
  })
})
