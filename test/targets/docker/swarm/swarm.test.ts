import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { type Clock, systemClock } from '../../../../src/support/clock.ts'
import { startServer } from '../../../../testkit/built-server.ts'
import { docker, makeImage } from '../../../../testkit/docker/images.ts'
import { createOwnEngine, type OwnEngine } from '../../../../testkit/docker/own-engine.ts'
import {
  carryOut,
  createWorld,
  mismatchesOf,
  planTo,
  record,
  signal,
  takeBack,
  until,
  type World
} from '../../../../testkit/docker/world.ts'
import { testProject } from '../../../../testkit/project.ts'
import { testRun } from '../../../../testkit/target-context.ts'
import { describeOnOwnEngine } from '../../../harness/describe-on.ts'
import { watchEvents } from '../scene.ts'

interface Row {
  image: string
  desired: string
  state: string
}

describeOnOwnEngine('services of a swarm of one node', () => {
  let engine: OwnEngine
  let world: World
  const usual = process.env.DOCKER_HOST

  beforeAll(async () => {
    engine = await createOwnEngine()
    await docker('swarm', 'init', '--advertise-addr', '127.0.0.1')
    world = createWorld('registry.invalid:5000')
    await makeImage(world.repository, '1.0.0')
    await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0', { mode: 'crash' })
    await makeImage(world.repository, '1.3.0', { mode: 'unhealthy' })
  })
  afterEach(async () => {
    const services = (await docker('service', 'ls', '-q')).split('\n').filter(Boolean)
    if (services.length > 0) await docker('service', 'rm', ...services)
    await world.clear()
  })
  afterAll(async () => {
    await engine?.remove()
    if (usual === undefined) delete process.env.DOCKER_HOST
    else process.env.DOCKER_HOST = usual
  })

  const tasks = async (name = 'web'): Promise<Row[]> => {
    const text = await docker('service', 'ps', name, '--format', '{{.Image}} {{.DesiredState}} {{.CurrentState}}')
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' '))
      .map(([image = '', desired = '', state = '']) => ({ image: image.split(':').at(-1) ?? '', desired, state }))
  }
  const serving = async (name = 'web') =>
    (await tasks(name))
      .filter(({ desired, state }) => desired === 'Running' && state === 'Running')
      .map(({ image }) => image)
  const runs = (count: number, version: string, name = 'web') =>
    until(`${count} tasks of ${version}`, async () => {
      const now = await serving(name)
      return now.length === count && now.every((image) => image === version)
    })
  const deploy = async (version: string, ...options: string[]) => {
    const quick = [
      '--update-monitor',
      '1s',
      '--rollback-monitor',
      '1s',
      '--restart-delay',
      '500ms',
      '--stop-grace-period',
      '1s'
    ]
    await docker(
      'service',
      'create',
      '--detach',
      '--name',
      'web',
      ...quick,
      ...options,
      `${world.repository}:${version}`
    )
    await runs(Number(options[options.indexOf('--replicas') + 1] ?? 1) || 1, version)
  }
  const update = (...options: string[]) => docker('service', 'update', '--detach', '--quiet', ...options, 'web')
  const brokenWith = async (version: string) => {
    await update('--image', `${world.repository}:${version}`)
    await until('a failed task', async () =>
      (await tasks()).some(({ image, state }) => image === version && state === 'Failed')
    )
  }
  const spec = async () => JSON.parse(await docker('service', 'inspect', 'web'))[0].Spec
  const open = (
    config: Record<string, unknown> = {},
    history = [record({ version: '1.1.0' })],
    clock: Clock = systemClock
  ) => world.open({ config, history, clock, env: { DOCKER_HOST: engine.host } })

  it('go back through their own previous specification where that is the candidate', async () => {
    await deploy('1.1.0', '--replicas', '2', '--env', 'COLOUR=blue')
    await brokenWith('1.2.0')
    const target = await open()
    const planned = await planTo(target, '1.1.0')
    expect(planned.observation.current?.version).toBe('1.2.0')
    expect(['down', 'degraded']).toContain(planned.observation.health.state)
    expect(planned.draft.steps).toMatchObject([
      { kind: 'service', phase: 'switch', manualCommands: ['docker service rollback web'] }
    ])
    await carryOut(target, planned)
    expect(await serving()).toEqual(['1.1.0', '1.1.0'])
    const { checks } = await target.check(planned.release, { signal: signal() })
    expect(checks.filter(({ status }) => status !== 'pass')).toEqual([])
  })

  it('keep today’s replicas where the previous specification has others, and take the image alone', async () => {
    await deploy('1.1.0', '--replicas', '1')
    await update('--image', `${world.repository}:1.2.0`, '--replicas', '2')
    const target = await open()
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.notes.join()).toContain('another number of replicas')
    await carryOut(target, planned)
    expect(await serving()).toEqual(['1.1.0', '1.1.0'])
  })

  it('go further back than the swarm remembers, by image, and obey what the service says of rollbacks', async () => {
    await deploy('1.0.0', '--replicas', '2', '--rollback-order', 'start-first', '--rollback-parallelism', '2')
    await update('--image', `${world.repository}:1.1.0`)
    await runs(2, '1.1.0')
    await brokenWith('1.2.0')
    const target = await open({}, [record({ version: '1.0.0' })])
    const planned = await planTo(target, '1.0.0')
    const former = (await spec()).UpdateConfig
    await carryOut(target, planned, { cleanup: false })
    expect(await serving()).toEqual(['1.0.0', '1.0.0'])
    expect((await spec()).UpdateConfig).toMatchObject({ Order: 'start-first', Parallelism: 2, FailureAction: 'pause' })
    await carryOut(target, planned)
    expect((await spec()).UpdateConfig).toEqual(former)
    expect(await serving()).toEqual(['1.0.0', '1.0.0'])
  })

  it('of global mode go back, too', async () => {
    await deploy('1.1.0', '--mode', 'global')
    await brokenWith('1.2.0')
    const target = await open({ swarm_service: 'web' })
    await carryOut(target, await planTo(target, '1.1.0'))
    expect(await serving()).toEqual(['1.1.0'])
  })

  it('that do not come up end not_healthy with the reason, and reverting puts the former specification back', async () => {
    await deploy('1.1.0')
    const former = await spec()
    const target = await open({ health_timeout_seconds: 20 }, [record({ version: '1.3.0' })])
    const planned = await planTo(target, '1.3.0')
    const fault = await carryOut(target, planned).catch((error: unknown) => error)
    expect(fault).toMatchObject({ code: 'not_healthy', why: expect.stringMatching(/unhealthy|paused/) })
    await takeBack(target, planned)
    expect((await spec()).TaskTemplate).toEqual(former.TaskTemplate)
    expect(await serving()).toEqual(['1.1.0'])
  })

  it('in the middle of an update are taken back at once', async () => {
    await deploy('1.1.0', '--replicas', '4', '--update-parallelism', '1')
    await update('--image', `${world.repository}:1.0.0`)
    const target = await open()
    await carryOut(target, await planTo(target, '1.1.0'))
    expect(await serving()).toEqual(Array(4).fill('1.1.0'))
  })

  it('roll for longer than one task may take, as long as they come forward', async () => {
    await deploy('1.0.0', '--replicas', '4', '--update-parallelism', '0')
    await update('--image', `${world.repository}:1.1.0`)
    await runs(4, '1.1.0')
    // a clock that goes on by a minute with each task that comes up, and otherwise does not move
    let minutes = 0
    const began = Date.now()
    const clock = { ...systemClock, now: () => new Date(began + minutes * 60_000) }
    const target = await open({}, [record({ version: '1.0.0' })], clock)
    const run = testRun({ progress: () => void minutes++ })
    await carryOut(target, await planTo(target, '1.0.0'), { run })
    expect(minutes).toBeGreaterThan(2)
    expect(await serving()).toEqual(Array(4).fill('1.0.0'))
  })

  it('whose order is start-first start the new task before the old one stops', async () => {
    await deploy('1.1.0', '--rollback-order', 'start-first')
    await update('--image', `${world.repository}:1.0.0`, '--update-order', 'start-first')
    await runs(1, '1.0.0')
    await until('the end of the update', async () =>
      (await docker('service', 'inspect', 'web')).includes('"completed"')
    )
    await until('the end of the old task', async () => !(await docker('ps', '-q')).includes('\n'))
    const target = await open()
    const planned = await planTo(target, '1.1.0')
    const events = watchEvents((line) => /^die web\.1\./.test(line))
    await carryOut(target, planned)
    await events.seen
    events.stop()
    const at = (action: string) => events.lines.findIndex((line) => line.startsWith(`${action} web.1.`))
    expect(at('start')).toBeGreaterThanOrEqual(0)
    expect(at('start')).toBeLessThan(at('die'))
  })

  it('that say to go on after a failure are obeyed, and an undo gives the settings back that were borrowed', async () => {
    await deploy('1.0.0', '--rollback-failure-action', 'continue', '--rollback-parallelism', '3')
    await update('--image', `${world.repository}:1.1.0`)
    await runs(1, '1.1.0')
    await update('--label-add', 'step=1')
    const former = (await spec()).UpdateConfig
    const target = await open({}, [record({ version: '1.0.0' })])
    const planned = await planTo(target, '1.0.0')
    await carryOut(target, planned, { cleanup: false })
    expect((await spec()).UpdateConfig).toMatchObject({ FailureAction: 'continue', Parallelism: 3 })
    await update('--label-add', 'step=2')
    await takeBack(target, planned)
    expect((await spec()).UpdateConfig).toEqual(former)
    expect(await serving()).toEqual(['1.1.0'])
  })

  it('go back to what only they themselves remember', async () => {
    const { repository, remove } = createWorld()
    const reference = `${repository}:1.1.0`
    await makeImage(repository, '1.1.0')
    await docker('push', reference)
    const [, digest = ''] = (await docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', reference)).split(
      '@'
    )
    await docker('rmi', reference)
    await docker('pull', `${repository}@${digest}`)
    const path = repository.slice(repository.indexOf('/') + 1)
    const gone = await fetch(`http://127.0.0.1:5000/v2/${path}/manifests/${digest}`, { method: 'DELETE' })
    expect(gone.ok).toBe(true)
    await makeImage(repository, '1.2.0', { mode: 'crash' })
    await docker('service', 'create', '--detach', '--no-resolve-image', '--name', 'web', `${reference}@${digest}`)
    await until('a task', async () => (await serving()).length === 1)
    await update('--no-resolve-image', '--image', `${repository}:1.2.0`)
    const target = await open({ image_name: repository, registry: undefined }, [record({ version: '1.1.0' })])
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.blockers).toEqual([])
    expect(planned.draft.steps[0]).toMatchObject({ params: { method: 'previous', image: `${reference}@${digest}` } })
    await carryOut(target, planned)
    expect((await serving()).length).toBe(1)
    await docker('service', 'rm', 'web')
    await remove()
  })

  it('are not meant where the configuration names services of a Compose project', async () => {
    await deploy('1.1.0')
    const target = await open({ services: ['web'] })
    expect((await target.observe(signal())).observation.blockers).toMatchObject([{ id: 'no_container' }])
  })

  it('that somebody changed since the plan are left alone', async () => {
    await deploy('1.1.0')
    await brokenWith('1.2.0')
    const target = await open()
    const planned = await planTo(target, '1.1.0')
    await update('--label-add', 'by=somebody')
    await expect(carryOut(target, planned)).rejects.toMatchObject({ code: 'changed_meanwhile' })
  })

  it('apply and revert are safe to repeat', async () => {
    await deploy('1.1.0')
    await brokenWith('1.2.0')
    const target = await open()
    const planned = await planTo(target, '1.1.0')
    await carryOut(target, planned)
    await carryOut(target, planned)
    expect(await serving()).toEqual(['1.1.0'])
    await takeBack(target, planned)
    await takeBack(target, planned)
    expect((await spec()).TaskTemplate.ContainerSpec.Image).toContain('1.2.0')
  })

  it('know their own steps again, before and after, and none that puts another image in place', async () => {
    await deploy('1.0.0', '--replicas', '1', '--rollback-order', 'start-first')
    await update('--image', `${world.repository}:1.1.0`)
    await runs(1, '1.1.0')
    await update('--image', `${world.repository}:1.2.0`)
    const target = await open()
    for (const [version, method] of [
      ['1.1.0', 'previous'],
      ['1.0.0', 'image']
    ] as const) {
      const planned = await planTo(target, version)
      const [roll] = planned.draft.steps
      if (!roll) throw new Error('nothing is planned')
      expect(roll.params.method).toBe(method)
      const other = `${world.repository}:1.3.0`
      expect(await mismatchesOf(target, planned)).toEqual([])
      for (const params of [
        { image: other },
        { image: 'evil.example/web:1.1.0' },
        { from: other },
        { spec: 'f'.repeat(32) },
        { id: 'other' },
        { name: 'other' },
        { updateConfig: { Parallelism: 9 } }
      ] as JsonObject[])
        expect(await mismatchesOf(target, planned, [{ ...roll, params: { ...roll.params, ...params } }])).toHaveLength(
          1
        )
      for (const step of planned.draft.steps) {
        await target.apply(step, testRun())
        expect(await mismatchesOf(target, planned)).toEqual([])
      }
      if (method === 'image') break
      await target.revert(roll, testRun())
      expect(await mismatchesOf(target, planned)).toEqual([])
    }
  })

  it('name the last good task that the roll may stop', async () => {
    // long enough that a slow machine sees the failure before the swarm goes on to the next task
    await deploy('1.1.0', '--replicas', '2', '--update-monitor', '20s', '--update-delay', '20s')
    await brokenWith('1.2.0')
    await until('a paused update', async () => (await docker('service', 'inspect', 'web')).includes('"paused"'))
    const target = await open()
    const { draft, observation } = await planTo(target, '1.1.0')
    expect(observation.health).toMatchObject({
      state: 'degraded',
      message: expect.stringContaining('1 of 2 tasks run')
    })
    expect(draft.risks.map(({ id }) => id)).toContain('last_good_task:web')
  })

  it('name none where the specification that comes back starts first, whatever today’s says', async () => {
    await deploy(
      '1.1.0',
      '--replicas',
      '2',
      '--update-monitor',
      '20s',
      '--update-delay',
      '20s',
      '--rollback-order',
      'start-first'
    )
    await update('--image', `${world.repository}:1.2.0`, '--rollback-order', 'stop-first')
    await until('a paused update', async () => (await docker('service', 'inspect', 'web')).includes('"paused"'))
    const { draft } = await planTo(await open(), '1.1.0')
    expect(draft.steps[0]).toMatchObject({ params: { method: 'previous' } })
    expect(draft.risks.map(({ id }) => id)).not.toContain('last_good_task:web')
  })

  it('hold a lease that every manager sees and that leaves the specification alone', async () => {
    await deploy('1.1.0')
    const target = await open()
    const holder = { host: 'elsewhere', pid: 1, user: 'ann' }
    const lease = { rollbackId: 'rb-20260318-143500-docker', holder, startedAt: '2026-03-18T14:35:00.000Z', begun: {} }
    const before = JSON.stringify(await spec())
    const held = await target.lease?.acquire(lease, 60_000, signal())
    expect((await target.observe(signal())).observation.lease).toMatchObject({
      record: { rollbackId: lease.rollbackId },
      expired: false
    })
    const other = { ...lease, rollbackId: 'rb-20260318-143501-docker' }
    await expect(target.lease?.acquire(other, 60_000, signal())).rejects.toMatchObject({ code: 'locked' })
    await held?.renew(signal())
    const clock = { ...systemClock, now: () => new Date(Date.now() + 3_600_000) }
    const ahead = await open({}, [], clock)
    expect((await ahead.observe(signal())).observation.lease).toMatchObject({ expired: false })
    await held?.release(signal())
    await held?.release(signal())
    expect((await target.observe(signal())).observation.lease).toBeUndefined()
    const short = await target.lease?.acquire(lease, 1, signal())
    await until('the expiry', async () => (await target.observe(signal())).observation.lease?.expired)
    await (await target.lease?.acquire(other, 60_000, signal()))?.release(signal())
    await expect(short?.renew(signal())).rejects.toMatchObject({ code: 'lease_lost' })
    expect(JSON.stringify(await spec())).toBe(before)
  })

  it('tell why tasks fail, and no secret of their environment', async () => {
    await deploy('1.1.0', '--env', 'API_TOKEN=hunter2hunter2')
    await brokenWith('1.2.0')
    const target = await open()
    const { findings, evidence, events } = await target.diagnose(signal())
    expect(findings.join()).toContain('non-zero exit (3)')
    expect(evidence[0]?.text).toContain('FATAL: relation')
    expect(events.length).toBeGreaterThan(0)
    const { draft, observation } = await planTo(target, '1.1.0')
    expect(JSON.stringify([draft, observation])).not.toContain('hunter2')
  })

  it('published in host mode are checked on their node', async () => {
    await deploy('1.1.0', '--publish', 'mode=host,target=8080')
    const target = await open()
    const { current } = (await target.observe(signal())).observation
    if (!current) throw new Error('nothing serves')
    const { checks } = await target.check(current, { signal: signal() })
    expect(checks.find(({ id }) => id.includes(':port:'))).toMatchObject({ status: 'pass' })
  })

  it('go back together where several are named, each to its own previous specification', async () => {
    await deploy('1.1.0')
    await docker('service', 'create', '--detach', '--name', 'worker', `${world.repository}:1.1.0`)
    await runs(1, '1.1.0', 'worker')
    await update('--image', `${world.repository}:1.0.0`)
    await docker('service', 'update', '--detach', '--quiet', '--image', `${world.repository}:1.0.0`, 'worker')
    await runs(1, '1.0.0')
    await runs(1, '1.0.0', 'worker')
    const target = await open({ swarm_service: ['web', 'worker'] })
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.steps.map(({ id }) => id)).toEqual(['service:web', 'service:worker'])
    await carryOut(target, planned)
    expect([await serving(), await serving('worker')]).toEqual([['1.1.0'], ['1.1.0']])
  })

  it('go back through the built server, proven and reported', async () => {
    await deploy('1.1.0', '--replicas', '2')
    await brokenWith('1.2.0')
    const config = {
      image_name: `${world.prefix}/web`,
      registry: 'registry.invalid:5000',
      rollback: { soak_seconds: 2 }
    }
    const history = [
      { timestamp: '2026-03-18T14:30:00Z', target: 'docker', version: '1.2.0', status: 'failed' },
      { timestamp: '2026-03-10T12:00:00Z', target: 'docker', version: '1.1.0', status: 'success' }
    ]
    const project = await testProject({ version: '1.0', targets: { docker: { enabled: true, config } }, history })
    const server = await startServer({ projectDir: project.dir, env: { DOCKER_HOST: engine.host } })
    const assessment = await server.call('assess_rollback')
    const { version, id } = assessment.plan
    const result = await server.call('execute_rollback', { target: 'docker', version, plan_id: id })
    expect(result).toMatchObject({ outcome: 'succeeded', to: { version: '1.1.0' } })
    expect(await serving()).toEqual(['1.1.0', '1.1.0'])
    expect(await server.call('verify_rollback')).toMatchObject({ verdict: 'healthy' })
    expect(await docker('config', 'ls', '-q')).toBe('')
    await server.close()
    await project.remove()
  })

  it('whose rollback was killed are finished by the next assessment', async () => {
    await deploy('1.1.0', '--replicas', '2')
    await brokenWith('1.2.0')
    const config = { swarm_service: 'web', rollback: { soak_seconds: 1 } }
    const history = [{ timestamp: '2026-03-10T12:00:00Z', target: 'docker', version: '1.1.0', status: 'success' }]
    const project = await testProject({ version: '1.0', targets: { docker: { enabled: true, config } }, history })
    const serve = () => startServer({ projectDir: project.dir, env: { DOCKER_HOST: engine.host } })
    const dying = await serve()
    const { plan } = await dying.call('assess_rollback')
    const call = { target: 'docker', version: plan.version, plan_id: plan.id }
    await dying
      .call('execute_rollback', call, { onProgress: (line) => line.includes('tasks run') && dying.kill() })
      .catch(() => undefined)
    const server = await serve()
    const { interrupted } = await server.call('assess_rollback')
    const finish = { target: 'docker', version: interrupted.finish.version, plan_id: interrupted.finish.id }
    expect(await server.call('execute_rollback', finish)).toMatchObject({ outcome: 'succeeded' })
    expect(await serving()).toEqual(['1.1.0', '1.1.0'])
    expect(await docker('config', 'ls', '-q')).toBe('')
    await server.close()
    await project.remove()
  })
})
