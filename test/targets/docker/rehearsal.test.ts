import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { makeImage } from '../../../testkit/docker/images.ts'
import { inspect, isUnhealthy } from '../../../testkit/docker/world.ts'
import { testProject } from '../../../testkit/project.ts'
import { commandLine } from '../../harness/command-line.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useWorld } from '../../harness/use-world.ts'
import { createScene, execute, type Scene, watchEvents } from './scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'a rehearsal that a call asks for', () => {
  const world = useWorld()
  let good: string
  let scene: Scene

  beforeAll(async () => {
    good = await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
  })
  afterEach(async () => {
    await scene.close()
  })

  const broken = async (config = {}) => {
    await world.start('web', '1.2.0', '-p', '127.0.0.1::8080', '-e', 'VIRTUAL_HOST=shop.example')
    await isUnhealthy(`${world.prefix}-web`)
    scene = await createScene(world, config)
    return scene.serve()
  }

  it('is part of the plan and of its id, and comes before anything is stopped', async () => {
    const server = await broken()
    const plain = await server.call('assess_rollback')
    const rehearsed = await server.call('assess_rollback', { rehearse: true })
    expect(rehearsed.plan.id).not.toBe(plain.plan.id)
    expect(rehearsed.summary).toContain('Rehearsing 1.1.0')
    expect(rehearsed.next[0].arguments).toMatchObject({ plan_id: rehearsed.plan.id, rehearse: true })
    expect(await execute(server, rehearsed)).toMatchObject({ error: { code: 'stale_plan' } })
    const dry = await execute(server, rehearsed, { rehearse: true, dry_run: true })
    expect(dry).toMatchObject({ outcome: 'checked', next: [{ arguments: { rehearse: true } }] })
    const name = `${world.prefix}-web`
    const events = watchEvents((line) => line === `start ${name}`)
    expect(await server.call('execute_rollback', dry.next[0].arguments)).toMatchObject({ outcome: 'succeeded' })
    await events.seen
    events.stop()
    const order = [
      `start ${name}-popkit-try-`,
      `destroy ${name}-popkit-try-`,
      `kill ${name}-popkit-old-`,
      `start ${name}`
    ]
    const at = order.map((prefix, index) =>
      events.lines.findIndex((line) => (index < 3 ? line.startsWith(prefix) : line === prefix))
    )
    expect(at).toEqual([...at].sort((a, b) => a - b))
    expect(at).not.toContain(-1)
    expect(await inspect(`${world.prefix}-web`)).toMatchObject({ Image: good, State: { Running: true } })
  })

  it('can be left out where the configuration asks for one', async () => {
    const server = await broken({ rehearse: true })
    expect((await server.call('assess_rollback')).summary).toContain('Rehearsing')
    expect((await server.call('assess_rollback', { rehearse: false })).summary).not.toContain('Rehearsing')
  })

  it('is had with --rehearse on the command line', async () => {
    await broken()
    const { stdout } = await commandLine(['assess', '--rehearse'], scene.project.dir, process.env)
    expect(stdout).toContain('Rehearsing 1.1.0')
  })

  it('is refused by a target that has nothing to rehearse in', async () => {
    scene = await createScene(world)
    const project = await testProject({ version: '1.0', targets: { npm: { enabled: true, config: {} } } })
    const { code, stdout } = await commandLine(['assess', '--rehearse', '--json'], project.dir, process.env)
    expect({ code, error: JSON.parse(stdout).error }).toMatchObject({ code: 2, error: { code: 'no_rehearsal' } })
    await project.remove()
  })
})
