import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type ComposeProject, composeProject, tagVariable } from '../../../testkit/docker/compose-project.ts'
import { docker, makeImage } from '../../../testkit/docker/images.ts'
import { carryOut, engineOfTests, inspect, isUnhealthy, planTo, signal, until } from '../../../testkit/docker/world.ts'
import { commandLine } from '../../harness/command-line.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useWorld } from '../../harness/use-world.ts'
import { createScene, execute, type Scene } from './scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

/** A job that succeeds with the earlier version only. */
const job = 'sh -c \'[ "$$VERSION" = 1.1.0 ]\''

describeOn('docker', 'what counts as the target', ({ compose: program = '' }) => {
  const world = useWorld()
  let good: string
  let bad: string
  const scenes: Scene[] = []
  const projects: ComposeProject[] = []

  beforeAll(async () => {
    good = await makeImage(world.repository, '1.1.0')
    bad = await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
  })
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close()
    for (const project of projects.splice(0)) await project.remove()
  })

  const named = (name: string) => inspect(`${world.prefix}-${name}`)
  const hasEnded = (name: string) =>
    until(`the end of ${name}`, async () => (await named(name)).State.Status === 'exited')
  const scene = async (
    ...[config, history]: [Parameters<typeof createScene>[1]?, Parameters<typeof createScene>[2]?]
  ) => {
    const created = await createScene(world, config, history)
    scenes.push(created)
    return created
  }

  it('is neither a job that ended, nor a renamed predecessor, nor a shell: all are left as they are', async () => {
    await world.start('web-old', '1.1.0', '--restart', 'unless-stopped', '-p', '127.0.0.1::8080')
    await docker('stop', '-t', '1', `${world.prefix}-web-old`)
    await world.start('web', '1.2.0', '--restart', 'always', '-p', '127.0.0.1::8080')
    await world.start('purge', '1.2.0', '--', 'sh', '-c', 'exit 1')
    await world.start('shell', '1.2.0', '--rm', '--no-healthcheck', '--', 'sleep', '1000')
    await hasEnded('purge')
    await isUnhealthy(`${world.prefix}-web`)
    const others = ['web-old', 'purge', 'shell']
    const before = await Promise.all(others.map(named))

    const server = await (await scene()).serve()
    const assessment = await server.call('assess_rollback', { target: 'docker' })
    expect(assessment.blockers).toEqual([])
    expect(assessment.summary).toContain(`docker stop ${world.prefix}-shell`)
    const done = await execute(server, assessment)
    expect(done, String(done.summary)).toMatchObject({ outcome: 'succeeded' })
    expect(await named('web')).toMatchObject({ Image: good, State: { Running: true } })
    for (const [index, name] of others.entries()) {
      const { Id, State } = before[index]
      const { Running, StartedAt } = State
      expect(await named(name)).toMatchObject({ Id, State: { Running, StartedAt } })
    }
    expect(await server.call('verify_rollback', { target: 'docker' })).toMatchObject({ verdict: 'healthy' })
  })

  it('is not clear where staging runs beside production, until it is named', async () => {
    for (const name of ['staging', 'production']) await world.start(name, '1.2.0', '-p', '127.0.0.1::8080')
    const { observation } = await (await world.open()).observe(signal())
    expect(observation.blockers).toMatchObject([{ id: 'ambiguous', why: expect.stringContaining('-staging') }])
    const clear = await world.open({ config: { containers: [`${world.prefix}-staging`] } })
    expect((await clear.observe(signal())).observation.blockers).toEqual([])
  })

  it('is not the service of that name in another project: of the same image it is asked, of another it is none', async () => {
    const labels = (project: string) => [
      '--label',
      `com.docker.compose.project=${project}`,
      '--label',
      'com.docker.compose.service=web'
    ]
    for (const project of ['one', 'two']) await world.start(project, '1.2.0', ...labels(project))
    const other = await makeImage(`${world.repository}/other`, '1.2.0', { mode: 'crash' })
    await docker('create', '--name', `${world.prefix}-three`, ...labels('three'), other)
    const { observation } = await (await world.open({ config: { services: ['web'] } })).observe(signal())
    expect(observation.blockers).toMatchObject([
      { id: 'ambiguous', why: expect.stringMatching(/project one.*project two(?!.*three)/) }
    ])
    const clear = await world.open({ config: { services: ['web'], project: 'two' } })
    expect((await clear.observe(signal())).state).toMatchObject({ containers: [{ Name: `${world.prefix}-two` }] })
    await docker('rmi', '-f', other).catch(() => undefined)
  })

  it('is refused in the plan where a name leaves no room for the old container', async () => {
    const name = `${world.prefix}-${'w'.repeat(178 - world.prefix.length - 1)}`
    await docker('run', '-d', '--name', name, `${world.repository}:1.2.0`)
    expect((await planTo(await world.open(), '1.1.0')).draft.blockers).toMatchObject([
      { why: expect.stringContaining('178 characters') }
    ])
  })

  const file = () => `
services:
  migrate:
    image: ${world.repository}:${tagVariable}
    command: ${job}
  web:
    image: ${world.repository}:${tagVariable}
    depends_on: {migrate: {condition: service_completed_successfully}}
`
  const deployed = async () => {
    const project = await composeProject(world, program, file())
    projects.push(project)
    await expect(project.compose('up', '-d')).rejects.toThrow('exit 1')
    const config = { image_name: undefined, registry: undefined, project: world.prefix }
    return { projectDir: project.dir, env: project.env, config }
  }

  it.skipIf(!program)('is not the failed migration that a service waits for', async () => {
    const { config, ...parts } = await deployed()
    const { StartedAt } = (await named('migrate-1')).State
    const target = await world.open({ ...parts, config: { ...config, image_name: undefined } })
    const planned = await planTo(target, '1.1.0')
    expect(planned.observation.notes.join('\n')).toContain('migrate-1 is a job that other services wait for')
    await carryOut(target, planned)
    expect(await named('web-1')).toMatchObject({ Image: good, State: { Running: true } })
    expect(await named('migrate-1')).toMatchObject({ Image: bad, State: { StartedAt } })
  })

  it.skipIf(!program)(
    'is a migration that the configuration names: its end is its success, before what waits',
    async () => {
      const { config, ...parts } = await deployed()
      const target = await world.open({ ...parts, config: { ...config, services: ['web', 'migrate'] } })
      const planned = await planTo(target, '1.1.0')
      const order = planned.draft.steps.map(({ id }) => id).filter((id) => id.startsWith('swap:'))
      expect(order).toEqual([`swap:${world.prefix}-migrate-1`, `swap:${world.prefix}-web-1`])
      await carryOut(target, planned)
      expect(await named('migrate-1')).toMatchObject({ Image: good, State: { Running: false, ExitCode: 0 } })
      const { checks } = await target.check(planned.release, { signal: signal() })
      expect(checks.filter(({ status }) => status !== 'pass')).toEqual([])
      expect((await target.observe(signal())).observation.health).toMatchObject({ state: 'healthy' })
    }
  )

  it.skipIf(!program)('fails by a named migration without speaking against the version', async () => {
    const { config, ...parts } = await deployed()
    await makeImage(world.repository, '1.0.0')
    const target = await world.open({ ...parts, config: { ...config, services: ['web', 'migrate'] } })
    await expect(carryOut(target, await planTo(target, '1.0.0'))).rejects.toMatchObject({ code: 'job_failed' })
  })

  it('is known by what `record` saw of it, where its tag says nothing', async () => {
    const start = async (version: string) => {
      await docker('tag', `${world.repository}:${version}`, `${world.repository}:latest`)
      await docker('run', '-d', '--name', `${world.prefix}-web`, `${world.repository}:latest`)
    }
    await start('1.1.0')
    await docker('rmi', `${world.repository}:1.1.0`)
    const { project, serve } = await scene({}, [])
    const given = ['record', '--target', 'docker', '--version', 'build-101', '--status', 'success']
    expect((await commandLine(given, project.dir, engineOfTests())).code).toBe(0)
    await docker('rm', '-f', `${world.prefix}-web`)
    await start('1.2.0')
    await isUnhealthy(`${world.prefix}-web`)
    const server = await serve()
    const assessment = await server.call('assess_rollback', { target: 'docker' })
    expect(assessment.recommended).toMatchObject({ version: 'build-101' })
    const done = await execute(server, assessment)
    expect(done, String(done.summary)).toMatchObject({ outcome: 'succeeded' })
    expect(await named('web')).toMatchObject({ Image: good })
  })
})
