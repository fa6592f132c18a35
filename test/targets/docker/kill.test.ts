import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ComposeProject, composeProject, tagVariable } from '../../../testkit/docker/compose-project.ts'
import { docker, makeImage } from '../../../testkit/docker/images.ts'
import { inspect, isHealthy, isUnhealthy, until } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useWorld } from '../../harness/use-world.ts'
import { createScene, execute, type Scene, watchEvents } from './scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

/** The moments at which the process dies, as the engine tells them. */
const swapMoments: [string, RegExp][] = [
  ['the lease was taken', /^create popkit-lease-web/],
  ['the replacement was created', /^create .*-web-popkit-new-/],
  ['the old one had lost its restart policy', /^update .*-web/],
  ['the old one was renamed', /^rename .*-web-popkit-old-/],
  ['the replacement had the name', /^rename .*-web$/],
  ['the old one was told to stop', /^kill .*-web-popkit-old-/],
  ['the old one was down', /^die .*-web-popkit-old-/],
  ['the replacement was started', /^start .*-web$/],
  ['the replacement was healthy', /^health_status: healthy .*-web$/]
]

const besideMoments: [string, RegExp][] = [
  ['the replacement was started beside it', /^start .*-web-popkit-new-/],
  ['the replacement was healthy', /^health_status: healthy .*-web-popkit-new-/],
  ['the old one was renamed', /^rename .*-web-popkit-old-/],
  ['the old one was told to stop', /^kill .*-web-popkit-old-/]
]

describeOn('docker', 'a rollback whose process is killed', ({ compose: program = '' }) => {
  const world = useWorld()
  let good: string
  let bad: string
  const scenes: Scene[] = []

  beforeAll(async () => {
    good = await makeImage(world.repository, '1.1.0')
    bad = await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
    await docker('network', 'create', `${world.prefix}-net`)
  })
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close()
  })

  const web = () => inspect(`${world.prefix}-web`)

  /** Begins a rollback, and kills the server at the moment; gives the project with what is left. */
  const killedAt = async (moment: RegExp, ...options: string[]): Promise<Scene> => {
    await world.start('web', '1.2.0', '--restart', 'always', ...options)
    await isUnhealthy(`${world.prefix}-web`)
    return killedOnce(moment)
  }

  const killedOnce = async (moment: RegExp): Promise<Scene> => {
    const scene = await createScene(world)
    scenes.push(scene)
    const server = await scene.serve()
    const assessment = await server.call('assess_rollback')
    // Other tests use the same engine; a lease alone bears no name of this one.
    const events = watchEvents(
      (line) => moment.test(line) && (line.includes(world.prefix) || line.includes('popkit-lease'))
    )
    const running = execute(server, assessment).catch(() => ({ outcome: 'killed' }))
    const result = await Promise.race([events.seen.then(() => null), running])
    events.stop()
    expect(result, `it ended before the moment came; seen: ${events.lines.join(', ')}`).toBeNull()
    server.kill()
    await running
    return scene
  }

  const resumed = async ({ serve }: Scene, direction: 'finish' | 'undo' | 'close') => {
    const server = await serve()
    const { interrupted } = await until('the interruption', async () => {
      const answer = await server.call('assess_rollback')
      return answer.interrupted ? answer : null
    })
    const { id, version } = interrupted[direction]
    const result = await server.call('execute_rollback', { target: 'docker', version, plan_id: id })
    const after = await server.call('assess_rollback')
    expect(after.interrupted ?? null).toBeNull()
    return result
  }

  const nothingIsLeft = async () => {
    expect(await world.names()).toEqual([`${world.prefix}-web`])
    const leases = await docker(
      'ps',
      '-a',
      '--filter',
      'name=popkit-lease-web',
      '--format',
      '{{.Names}} {{.Label "popkit.rollback.lease"}}'
    )
    expect(leases.split('\n').filter((line) => line.includes(world.prefix))).toEqual([])
    expect((await web()).HostConfig.RestartPolicy.Name).toBe('always')
  }

  it.each(swapMoments)('when %s is finished: the good version serves alone', async (_, moment) => {
    const scene = await killedAt(moment, '-p', '127.0.0.1::8080')
    expect(await resumed(scene, 'finish')).toMatchObject({ outcome: 'succeeded' })
    await isHealthy(`${world.prefix}-web`)
    expect(await web()).toMatchObject({ Image: good, State: { Running: true } })
    await nothingIsLeft()
  })

  it.each(swapMoments)('when %s is undone: the former version runs alone, as before', async (_, moment) => {
    const scene = await killedAt(moment, '-p', '127.0.0.1::8080')
    expect(await resumed(scene, 'undo')).toMatchObject({ outcome: 'undone' })
    expect(await web()).toMatchObject({ Image: bad, State: { Running: true } })
    await nothingIsLeft()
  })

  it.each([
    ['as the value of a variable', () => ['--env', `OTEL_SERVICE_NAME=${world.prefix}-web`]],
    ['with a part that is a password', () => ['--env', `DB_PASSWORD=${world.prefix}`]]
  ] as const)('with its name %s is undone when the old one is down, and names it', async (_, options) => {
    const scene = await killedAt(/^die .*-web-popkit-old-/, '-p', '127.0.0.1::8080', ...options())
    const result = await resumed(scene, 'undo')
    expect(result).toMatchObject({ outcome: 'undone' })
    expect(result.summary).toContain(`${world.prefix}-web`)
    expect(result.summary).not.toContain('***')
    expect(await web()).toMatchObject({ Image: bad, State: { Running: true } })
    await nothingIsLeft()
  })

  describe.skipIf(!program)('of a Compose service', () => {
    let project: ComposeProject

    beforeEach(async () => {
      const file = `
services:
  web:
    image: ${world.repository}:${tagVariable}
    ports: ["127.0.0.1::8080"]
    environment: {POSTGRES_DB: ${world.prefix}}
`
      project = await composeProject(world, program, file)
      await project.compose('up', '-d')
      await isUnhealthy(`${world.prefix}-web-1`)
    })
    afterEach(() => project.remove())

    const old = /^die .*-web-1-popkit-old-/

    it('whose project’s name is a variable’s value is undone, and named', async () => {
      const name = `${world.prefix}-web-1`
      const result = await resumed(await killedOnce(old), 'undo')
      expect(result).toMatchObject({ outcome: 'undone', summary: expect.stringContaining(name) })
      expect(await inspect(name)).toMatchObject({ Image: bad, State: { Running: true } })
    })

    it('of which Compose left nothing can only be closed, which says that its version serves', async () => {
      const scene = await killedOnce(old)
      const server = await scene.serve()
      const both = await server.call('assess_rollback')
      expect(both.summary).toContain(
        `Run no docker compose up or down in ${world.prefix} until ${world.prefix}-web-1-popkit-old-`
      )
      // What some versions of Compose do by themselves with two containers of one service.
      await docker('rm', '-f', ...(await world.names()))
      await project.write('.env', 'TAG=1.1.0\n')
      await project.compose('up', '-d')
      await isHealthy(`${world.prefix}-web-1`)
      const { interrupted } = await server.call('assess_rollback')
      expect(interrupted).toMatchObject({ finish: null, undo: null })
      expect(interrupted.reasons).toEqual([
        expect.stringMatching(
          /can only be closed \(steps 1, 2, 3, .*: neither the old container \w{12} nor its replacement is left/
        )
      ])
      expect(await resumed(scene, 'close')).toMatchObject({
        outcome: 'cancelled',
        summary: expect.stringContaining('Result: CLOSED, succeeded all the same: 1.1.0 serves')
      })
    })
  })

  it.each(besideMoments)('side by side, when %s is finished', async (_, moment) => {
    const scene = await killedAt(moment, '--network', `${world.prefix}-net`, '--network-alias', 'shop')
    expect(await resumed(scene, 'finish')).toMatchObject({ outcome: 'succeeded' })
    expect(await web()).toMatchObject({ Image: good, State: { Running: true } })
    expect((await web()).NetworkSettings.Networks[`${world.prefix}-net`].Aliases).toContain('shop')
    await nothingIsLeft()
  })

  it.each(besideMoments)('side by side, when %s is undone', async (_, moment) => {
    const scene = await killedAt(moment, '--network', `${world.prefix}-net`, '--network-alias', 'shop')
    expect(await resumed(scene, 'undo')).toMatchObject({ outcome: 'undone' })
    expect(await web()).toMatchObject({ Image: bad, State: { Running: true } })
    expect((await web()).NetworkSettings.Networks[`${world.prefix}-net`].Aliases).toContain('shop')
    await nothingIsLeft()
  })

  it('while it cleans up is finished, and offers no way back', async () => {
    const scene = await killedAt(/^destroy .*-web-popkit-old-/, '-p', '127.0.0.1::8080')
    expect(await resumed(scene, 'finish')).toMatchObject({ outcome: 'succeeded' })
    expect(await web()).toMatchObject({ Image: good, State: { Running: true } })
    await nothingIsLeft()
  })

  it('is seen from another folder by its mark on the engine, and finished there', async () => {
    await killedAt(/^start .*-web$/, '-p', '127.0.0.1::8080')
    const elsewhere = await createScene(world)
    scenes.push(elsewhere)
    expect(await resumed(elsewhere, 'finish')).toMatchObject({ outcome: 'succeeded' })
    expect(await web()).toMatchObject({ Image: good, State: { Running: true } })
    await nothingIsLeft()
  })
  describe('after the old one was removed, from another folder', () => {
    const withoutTheOld = async (): Promise<Scene> => {
      await killedAt(/^start .*-web$/, '-p', '127.0.0.1::8080')
      await docker('rm', '-f', ...(await world.names()).filter((name) => name.includes('-popkit-old-')))
      const elsewhere = await createScene(world)
      scenes.push(elsewhere)
      return elsewhere
    }

    it('is finished', async () => {
      expect(await resumed(await withoutTheOld(), 'finish')).toMatchObject({ outcome: 'succeeded' })
      expect(await web()).toMatchObject({ Image: good, State: { Running: true } })
      await nothingIsLeft()
    })

    it('cannot be undone, and leaves the good version serving', async () => {
      expect(await resumed(await withoutTheOld(), 'undo')).toMatchObject({
        outcome: 'stuck',
        summary: expect.stringContaining('cannot be started again')
      })
      expect(await web()).toMatchObject({ Image: good, State: { Running: true } })
      await nothingIsLeft()
    })
  })
})
