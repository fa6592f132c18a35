import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { canStartEngine } from '../../../testkit/backends/docker.ts'
import { makeImage } from '../../../testkit/docker/images.ts'
import { createOwnEngine, type OwnEngine } from '../../../testkit/docker/own-engine.ts'
import { createWorld, inspect, isUnhealthy, until, type World } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { createScene, execute, type Scene, watchEvents } from './scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'an engine that is restarted in the middle of a rollback', () => {
  let engine: OwnEngine | undefined
  let world: World
  let good: string
  const scenes: Scene[] = []

  beforeAll(async () => {
    if (!canStartEngine()) return
    engine = await createOwnEngine()
    world = createWorld()
    good = await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
  })
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close()
    await world?.clear()
  })
  afterAll(async () => {
    await engine?.remove()
  })

  it.skipIf(!canStartEngine()).each([
    ['the replacement was created', /^create .*-popkit-new-/],
    ['the old one was renamed', /^rename .*-popkit-old-/],
    ['the old one was down', /^die .*-popkit-old-/],
    ['the replacement was started', /^start .*-web$/]
  ])('when %s: the good version serves alone in the end', async (_, moment) => {
    await world.start('web', '1.2.0', '--network', 'none', '--restart', 'always', '-v', '/tmp:/shared')
    await isUnhealthy(`${world.prefix}-web`)
    const scene = await createScene(world)
    scenes.push(scene)
    const server = await scene.serve()
    const assessment = await server.call('assess_rollback')
    expect(assessment.recommended).toMatchObject({ version: '1.1.0' })
    const events = watchEvents((line) => moment.test(line))
    const restarted = events.seen.then(() => engine?.restart())
    const result = await execute(server, assessment)
    await restarted
    events.stop()
    expect(result, String(result.summary)).toMatchObject({ outcome: 'succeeded' })
    const web = await until('the container', () => inspect(`${world.prefix}-web`))
    expect(web).toMatchObject({
      Image: good,
      State: { Running: true },
      HostConfig: { RestartPolicy: { Name: 'always' } }
    })
    expect(await world.names()).toEqual([`${world.prefix}-web`])
  })
})
