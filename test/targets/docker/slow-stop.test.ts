import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { createEngine } from '../../../src/targets/docker/engine/client.ts'
import { connect } from '../../../src/targets/docker/engine/connect.ts'
import type { BuiltServer } from '../../../testkit/built-server.ts'
import { makeImage } from '../../../testkit/docker/images.ts'
import { createWorld, inspect, isUnhealthy, signal, until, type World } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { createScene, execute, type Scene, watchEvents } from './scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const program = `trap "" TERM
mkdir -p /tmp/www
[ $MODE = good ] && echo ok >/tmp/www/health
httpd -p 8080 -h /tmp/www
while :; do sleep 1; done`

describeOn('docker', 'a container that takes long to stop', () => {
  let world: World
  let good: string
  let bad: string
  const scenes: Scene[] = []

  beforeAll(async () => {
    world = createWorld()
    good = await makeImage(world.repository, '1.1.0')
    bad = await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
  })
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close()
    await world.clear()
  })
  afterAll(() => world.remove())

  const web = () => inspect(`${world.prefix}-web`)

  const startedScene = async (graceSeconds: number, limitMinutes: number): Promise<Scene> => {
    const grace = ['--stop-timeout', String(graceSeconds)]
    await world.start('web', '1.2.0', '--restart', 'always', '-v', '/tmp:/shared', ...grace, '--', 'sh', '-c', program)
    await isUnhealthy(`${world.prefix}-web`)
    const scene = await createScene(world, { rollback: { soak_seconds: 1, limit_minutes: limitMinutes } })
    scenes.push(scene)
    return scene
  }

  /** It was started once the stop had ended: one that is still being stopped runs, too. */
  const runsAgain = async (startedBefore: string, image = bad) => {
    const now = await web()
    expect(now).toMatchObject({
      Image: image,
      State: { Running: true },
      HostConfig: { RestartPolicy: { Name: 'always' } }
    })
    expect(now.State.StartedAt).not.toBe(startedBefore)
    expect(await world.names()).toEqual([`${world.prefix}-web`])
  }

  /** Kills the server at the moment. */
  const killedAt = async (moment: RegExp, server: BuiltServer, begin: () => Promise<unknown>) => {
    const events = watchEvents((line) => moment.test(line) && line.includes(world.prefix))
    const running = begin().catch(() => null)
    await events.seen
    events.stop()
    server.kill()
    await running
  }

  const resumed = async (server: BuiltServer, direction: 'finish' | 'undo') => {
    const { interrupted } = await until('the interruption', async () => {
      const answer = await server.call('assess_rollback')
      return answer.interrupted ? answer : null
    })
    const { id, version } = interrupted[direction]
    return server.call('execute_rollback', { target: 'docker', version, plan_id: id })
  }

  /** The engine keeps its last 256 events. */
  const fill = async (events: number) => {
    const engine = createEngine(await connect({}, process.env))
    for (let count = 0; count < events; count++) await engine.images.tag(bad, world.repository, '1.2.0', signal())
    engine.close()
  }

  it('may exceed the time limit, which must be accepted; at the limit it is undone, which waits for the stop', async () => {
    const scene = await startedScene(30, 0.25)
    const before = (await web()).State.StartedAt
    const server = await scene.serve()
    const assessment = await server.call('assess_rollback')
    expect(assessment.summary).toMatch(/Stopping may take 30s, and the time limit is 15s: \S+-web gets 30s to stop/)
    expect(await execute(server, assessment)).toMatchObject({ error: { code: 'risks_not_accepted' } })
    const result = await execute(server, assessment, { accept: ['time_limit'] })
    expect(result, String(result.summary)).toMatchObject({ outcome: 'undone' })
    expect(result.state).toMatch(/^The time limit of 15s \(limit_minutes\) was reached at "Stopping \S+-web, starting/)
    expect(result.summary).toContain('Next: Raise targets.docker.config.rollback.limit_minutes')
    await runsAgain(before)
  })

  it.each([
    ['remembers', 12, 0],
    ['has forgotten', 40, 300]
  ])('is started again after a stop whose process was killed, and that the engine %s', async (_, grace, others) => {
    const scene = await startedScene(grace, 15)
    const before = (await web()).State.StartedAt
    const server = await scene.serve()
    const assessment = await server.call('assess_rollback')
    expect(assessment.summary).not.toContain('time_limit')
    await killedAt(/^kill .*-web-popkit-old-/, server, () => execute(server, assessment))
    await fill(others)
    const result = await resumed(await scene.serve(), 'undo')
    expect(result, String(result.summary)).toMatchObject({ outcome: 'undone' })
    await runsAgain(before)
  })

  it('is started again by a finish, with its restart policy, where the process that undid it was killed', async () => {
    const scene = await startedScene(15, 15)
    const first = await scene.serve()
    const assessment = await first.call('assess_rollback')
    await killedAt(/^start .*-web$/, first, () => execute(first, assessment))
    const before = (await web()).State.StartedAt
    const second = await scene.serve()
    await killedAt(/^kill .*-web$/, second, () => resumed(second, 'undo'))
    const result = await resumed(await scene.serve(), 'finish')
    expect(result, String(result.summary)).toMatchObject({ outcome: 'succeeded' })
    await runsAgain(before, good)
  })
})
