import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type BuiltServer, startServer } from '../../../testkit/built-server.ts'
import { type ComposeProject, composeProject, tagVariable } from '../../../testkit/docker/compose-project.ts'
import { makeImage } from '../../../testkit/docker/images.ts'
import { inspect, isHealthy, isUnhealthy, until } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useWorld } from '../../harness/use-world.ts'
import { watchEvents } from './scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

/** Healthy in one container only: the first that takes the place in the shared volume. */
const onlyTheFirst =
  'CMD ["/bin/sh","-c","mkdir -p /tmp/www; mkdir /shared/first && echo ok >/tmp/www/health; exec httpd -f -p 8080 -h /tmp/www"]'

describeOn('docker', 'a roll of replicas that stops half way', ({ compose: program = '' }) => {
  const world = useWorld()
  let project: ComposeProject
  let server: BuiltServer
  const images: Record<string, string> = {}

  beforeAll(async () => {
    images.good = await makeImage(world.repository, '1.1.0')
    images.bad = await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
    images.alsoBad = await makeImage(world.repository, '1.0.0', { mode: 'unhealthy' })
    images.first = await makeImage(world.repository, '0.9.0', { changes: [onlyTheFirst] })
  })
  afterEach(async () => {
    await server?.close()
    await project?.remove()
  })

  const replica = (number: number) => inspect(`${world.prefix}-web-${number}`)
  const nameOf = (number: number) => `${world.prefix}-web-${number}`

  /** Three replicas of a version, and a server in their project. */
  const deployed = async (version: string) => {
    project = await composeProject(
      world,
      program,
      `
services:
  web:
    image: ${world.repository}:${tagVariable}
    deploy: {replicas: 3}
    volumes: [shared:/shared]
volumes: {shared: {}}
`,
      `TAG=${version}\n`
    )
    const [registry = '', ...path] = world.repository.split('/')
    const config = {
      image_name: path.join('/'),
      registry,
      project: world.prefix,
      services: ['web'],
      health_timeout_seconds: 6,
      rollback: { soak_seconds: 1 }
    }
    const history = ['1.1.0', '1.0.0', '0.9.0'].map((good, index) => ({
      timestamp: `2026-03-1${5 - index}T12:00:00Z`,
      target: 'docker',
      version: good,
      status: 'success'
    }))
    await mkdir(join(project.dir, '.claude/popkit'), { recursive: true })
    await project.write(
      '.claude/popkit/deploy.json',
      JSON.stringify({ version: '1.0', targets: { docker: { enabled: true, config } }, history })
    )
    await project.compose('up', '-d')
    server = await startServer({ projectDir: project.dir, env: project.env })
  }

  const rollBackTo = async (version: string) => {
    const { plan, risks } = await server.call('assess_rollback', { target: 'docker', version })
    const accept = risks.filter(({ serious }: { serious: boolean }) => serious).map(({ id }: { id: string }) => id)
    return server.call('execute_rollback', { target: 'docker', version, plan_id: plan.id, accept })
  }
  const ids = async () => Promise.all([1, 2, 3].map(async (number) => (await replica(number)).Id))

  it.skipIf(!program)('is put back altogether where all served before', async () => {
    await deployed('1.1.0')
    for (const number of [1, 2, 3]) await isHealthy(nameOf(number))
    const before = await ids()
    const result = await rollBackTo('0.9.0')
    expect(result, String(result.summary)).toMatchObject({ outcome: 'undone' })
    expect(await ids()).toEqual(before)
    expect(await world.names()).toEqual([1, 2, 3].map(nameOf))
  })

  it.skipIf(!program)('is put back altogether where none served before, and none does now', async () => {
    await deployed('1.2.0')
    for (const number of [1, 2, 3]) await isUnhealthy(nameOf(number))
    const before = await ids()
    const result = await rollBackTo('1.0.0')
    expect(result, String(result.summary)).toMatchObject({ outcome: 'undone' })
    expect(await ids()).toEqual(before)
    expect(await world.names()).toEqual([1, 2, 3].map(nameOf))
  })

  it.skipIf(!program)('keeps a replica that serves only since then, and says what runs and what remains', async () => {
    await deployed('1.2.0')
    for (const number of [1, 2, 3]) await isUnhealthy(nameOf(number))
    const before = await ids()
    const result = await rollBackTo('0.9.0')
    expect(result, String(result.summary)).toMatchObject({ outcome: 'stuck' })
    expect(result.state).toContain('fewer instances served before (0 of 3) than now (1 of 3)')
    expect(await replica(1)).toMatchObject({ Image: images.first, State: { Health: { Status: 'healthy' } } })
    expect((await replica(3)).Id).toBe(before[2])
    expect(result.remains.join('\n')).toMatch(/docker rename/)
  })

  it.skipIf(!program).each(['finish', 'undo'] as const)('by a kill between two replicas: %s', async (direction) => {
    await deployed('1.2.0')
    for (const number of [1, 2, 3]) await isUnhealthy(nameOf(number))
    const before = await ids()
    const { plan } = await server.call('assess_rollback', { target: 'docker', version: '1.1.0' })
    const events = watchEvents((line) => line === `health_status: healthy ${nameOf(1)}`)
    const running = server
      .call('execute_rollback', { target: 'docker', version: '1.1.0', plan_id: plan.id })
      .catch(() => ({ outcome: 'killed' }))
    expect(await Promise.race([events.seen.then(() => null), running])).toBeNull()
    server.kill()
    events.stop()
    await running
    server = await startServer({ projectDir: project.dir, env: project.env })
    const { interrupted } = await until('the interruption', async () => {
      const answer = await server.call('assess_rollback')
      return answer.interrupted ? answer : null
    })
    const { id, version } = interrupted[direction]
    const result = await server.call('execute_rollback', { target: 'docker', version, plan_id: id })
    expect(result, String(result.summary)).toMatchObject({ outcome: direction === 'finish' ? 'succeeded' : 'undone' })
    for (const number of [1, 2, 3])
      if (direction === 'finish') expect(await replica(number)).toMatchObject({ Image: images.good })
    if (direction === 'undo') expect(await ids()).toEqual(before)
    expect(await world.names()).toEqual([1, 2, 3].map(nameOf))
  })
})
