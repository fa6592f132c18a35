import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import type { TargetContext } from '../../../../src/targets/target.ts'
import { startServer } from '../../../../testkit/built-server.ts'
import { type ComposeProject, composeProject, tagVariable } from '../../../../testkit/docker/compose-project.ts'
import { docker, makeImage } from '../../../../testkit/docker/images.ts'
import {
  carryOut,
  inspect,
  mismatchesOf,
  type Planned,
  planTo,
  record,
  signal,
  takeBack,
  until
} from '../../../../testkit/docker/world.ts'
import { testRun } from '../../../../testkit/target-context.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { useWorld } from '../../../harness/use-world.ts'
import { watchEvents } from '../scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

// Names of their own: a target that names only services means those of every project on the engine.
const own = randomBytes(3).toString('hex')
const web = `web-${own}`
const worker = `worker-${own}`

describeOn('docker', 'a Compose service of which no container is left', ({ compose: program = '' }) => {
  const world = useWorld()
  let good: string
  const projects: ComposeProject[] = []

  beforeAll(async () => {
    good = await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0')
    await makeImage(world.repository, '1.3.0', { mode: 'unhealthy' })
  })
  afterEach(async () => {
    for (const project of projects.splice(0)) await project.remove()
  })

  const webFile = () => `
services:
  ${web}:
    image: ${world.repository}:${tagVariable}
    environment: {COLOUR: $COLOUR}
    volumes: ["data:/data", "./config:/config"]
volumes: {data: {}}
`
  const two = () =>
    `${webFile()}`.replace(
      'volumes: {data: {}}',
      `  ${worker}:
    image: ${world.repository}:${tagVariable}
volumes: {data: {}}`
    )

  const project = async (text: string, env?: string) => {
    const created = await composeProject(world, program, text, env)
    projects.push(created)
    return created
  }
  const open = ({ dir, env }: ComposeProject, config: object = {}, parts: Partial<TargetContext> = {}) =>
    world.open({
      projectDir: dir,
      env,
      config: { image_name: undefined, registry: undefined, services: [web], ...config },
      history: [record({ version: '1.1.0', digest: good }), record({ version: '1.3.0' })],
      ...parts
    })
  const withParams = ({ draft }: Planned, kind: string, params: JsonObject) =>
    draft.steps.map((step) => (step.kind === kind ? { ...step, params: { ...step.params, ...params } } : step))
  const mountsOf = (container: { Mounts: { Destination: string; Name?: string; Source: string }[] }) =>
    Object.fromEntries(container.Mounts.map((mount) => [mount.Destination, mount.Name ?? mount.Source]))

  it.skipIf(!program)('keeps project, volumes, mounts and .env of a Compose file in a subfolder', async () => {
    const it = await project('services: {}\n')
    const folder = join(it.dir, `${world.prefix}-deploy`)
    const file = join(folder, 'compose.yaml')
    await mkdir(folder)
    await writeFile(file, webFile())
    await writeFile(join(folder, '.env'), 'TAG=1.2.0\nCOLOUR=blue\n')
    await it.compose('-f', file, 'up', '-d', '--wait')
    const name = `${world.prefix}-deploy-${web}-1`
    const before = await inspect(name)
    await docker('rm', '-f', name)
    const target = await open(it, { compose_file: `${basename(folder)}/compose.yaml` })
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.blockers).toEqual([])
    await carryOut(target, planned)
    const after = await inspect(name)
    expect(after).toMatchObject({ Image: good, State: { Health: { Status: 'healthy' } } })
    expect(after.Config.Env).toContain('COLOUR=blue')
    expect(mountsOf(after)).toEqual(mountsOf(before))
    expect(mountsOf(after)['/config']).toBe(join(folder, 'config'))
    expect(after.Config.Labels['com.docker.compose.project.config_files']).toMatch(new RegExp(`^${file},-$`))
    await it.compose('-f', file, 'down', '-v', '-t', '1')
    await expect(inspect(name)).rejects.toThrow(/no such/i)
  })

  it.skipIf(!program)('keeps what the override file beside it says', async () => {
    const it = await project(webFile(), 'TAG=1.2.0\nCOLOUR=red\n')
    await it.write(
      'compose.override.yaml',
      `services:\n  ${web}:\n    environment: {EXTRA: yes-please}\n    ports: ["127.0.0.1::8080"]\n`
    )
    const target = await open(it, { project: world.prefix })
    const planned = await planTo(target, '1.1.0')
    expect(await mismatchesOf(target, planned)).toEqual([])
    await carryOut(target, planned)
    expect(await mismatchesOf(target, planned)).toEqual([])
    const { Config, HostConfig } = await inspect(`${world.prefix}-${web}-1`)
    expect(Config.Env).toContain('EXTRA=yes-please')
    expect(Object.keys(HostConfig.PortBindings)).toEqual(['8080/tcp'])
  })

  it.skipIf(!program)('is created from the files and the environment file that a standing service names', async () => {
    const it = await project(two(), 'TAG=0.0.0\nCOLOUR=wrong\n')
    await it.write('compose.prod.yaml', `services:\n  ${web}:\n    environment: {STAGE: production}\n`)
    await it.write('prod.env', 'TAG=1.2.0\nCOLOUR=green\n')
    const files = ['--env-file', 'prod.env', '-f', 'compose.yaml', '-f', 'compose.prod.yaml']
    await it.compose(...files, 'up', '-d', '--wait', worker)
    const target = await open(it)
    const planned = await planTo(target, '1.1.0')
    expect(await mismatchesOf(target, planned)).toEqual([])
    for (const params of [
      { files: ['/etc/passwd'] },
      { envFiles: ['/etc/shadow'] },
      { workingDir: '/etc' },
      { services: ['db'] },
      { project: 'other' },
      { image: `${world.repository}:1.3.0` }
    ] as JsonObject[])
      expect(await mismatchesOf(target, planned, withParams(planned, 'compose_up', params))).toHaveLength(1)
    await carryOut(target, planned)
    expect(await mismatchesOf(target, planned)).toEqual([])
    const { Config } = await inspect(`${world.prefix}-${web}-1`)
    expect(Config.Env).toEqual(expect.arrayContaining(['COLOUR=green', 'STAGE=production']))
    const look = planned.draft.steps.find(({ kind }) => kind === 'compose_files')
    const { manual = [] } = look ? await target.apply(look, testRun()) : {}
    expect(manual.join()).toContain('In prod.env, line 1: change TAG=1.2.0 to TAG=1.1.0')
  })

  it.skipIf(!program)(
    'that does not come up is removed again, and another project of the same image is left alone',
    async () => {
      const it = await project(webFile(), 'TAG=1.2.0\nCOLOUR=red\n')
      const staging = await project(webFile(), 'TAG=1.3.0\nCOLOUR=red\n')
      await staging.write('compose.yaml', `name: ${world.prefix}-staging\n${webFile()}`)
      await staging.compose('up', '-d')
      const before = await inspect(`${world.prefix}-staging-${web}-1`)
      const target = await open(it, { project: world.prefix, health_timeout_seconds: 3 })
      const planned = await planTo(target, '1.3.0')
      await takeBack(target, planned)
      await expect(carryOut(target, planned)).rejects.toMatchObject({ code: 'not_healthy' })
      await takeBack(target, planned)
      await expect(inspect(`${world.prefix}-${web}-1`)).rejects.toThrow(/no such/i)
      expect(await inspect(`${world.prefix}-staging-${web}-1`)).toMatchObject({
        Id: before.Id,
        State: { StartedAt: before.State.StartedAt }
      })
      await staging.compose('down', '-v', '-t', '1')
    }
  )

  it.skipIf(!program)('that somebody else has started meanwhile is left to them', async () => {
    const it = await project(webFile(), 'TAG=1.1.0\nCOLOUR=red\n')
    const target = await open(it, { project: world.prefix })
    const planned = await planTo(target, '1.1.0')
    await it.compose('up', '-d')
    const theirs = await inspect(`${world.prefix}-${web}-1`)
    await expect(carryOut(target, planned)).rejects.toMatchObject({ code: 'changed_meanwhile' })
    await takeBack(target, planned)
    expect((await inspect(`${world.prefix}-${web}-1`)).Id).toBe(theirs.Id)
  })

  it.skipIf(!program)('is created together with the roll of the services that stand', async () => {
    const it = await project(two(), 'TAG=1.2.0\nCOLOUR=red\n')
    await it.compose('up', '-d', '--wait')
    await it.compose('rm', '-s', '-f', web)
    const target = await open(it, { services: [web, worker] })
    const planned = await planTo(target, '1.1.0')
    expect(planned.observation.health).toMatchObject({
      state: 'degraded',
      message: expect.stringContaining(`${web} has no`)
    })
    const kinds = planned.draft.steps.map(({ kind }) => kind)
    expect(kinds.indexOf('compose_up')).toBeGreaterThan(kinds.indexOf('create_container'))
    expect(kinds.indexOf('compose_up')).toBeLessThan(kinds.findIndex((kind) => /swap|beside/.test(kind)))
    await carryOut(target, planned)
    for (const service of [web, worker])
      expect(await inspect(`${world.prefix}-${service}-1`)).toMatchObject({ Image: good })
    const passed = async () => (await target.check(planned.release, { signal: signal() })).checks
    expect((await passed()).filter(({ status }) => status === 'fail')).toEqual([])
    await it.compose('rm', '-s', '-f', web)
    expect((await passed()).filter(({ status }) => status === 'fail')).toMatchObject([{ id: `missing:${web}` }])
  })

  it.skipIf(!program)('blocks the plan where Compose is missing, or cannot read the project', async () => {
    const it = await project(webFile(), 'TAG=1.2.0\nCOLOUR=red\n')
    const without = await open(it, { project: world.prefix }, { env: { PATH: '/nonexistent', HOME: '/nonexistent' } })
    expect((await planTo(without, '1.1.0')).draft.blockers).toMatchObject([{ id: 'no_compose' }])
    await it.write('compose.yaml', `${await readFile(join(it.dir, 'compose.yaml'), 'utf8')}secrets: 7\n`)
    const target = await open(it, { project: world.prefix })
    expect((await planTo(target, '1.1.0')).draft.blockers).toMatchObject([
      { id: 'compose_unreadable', why: expect.stringContaining('secrets') }
    ])
  })

  it.skipIf(!program).each(['finish', 'undo'] as const)('whose creation is killed half way: %s', async (direction) => {
    const it = await project(webFile(), 'TAG=1.2.0\nCOLOUR=red\n')
    const [registry = '', ...path] = world.repository.split('/')
    const config = {
      image_name: path.join('/'),
      registry,
      project: world.prefix,
      services: [web],
      rollback: { soak_seconds: 1 }
    }
    const history = [
      { timestamp: '2026-03-10T12:00:00Z', target: 'docker', version: '1.1.0', status: 'success', digest: good }
    ]
    await mkdir(join(it.dir, '.claude/popkit'), { recursive: true })
    await it.write(
      '.claude/popkit/deploy.json',
      JSON.stringify({ version: '1.0', targets: { docker: { enabled: true, config } }, history })
    )
    const serve = () => startServer({ projectDir: it.dir, env: it.env })
    const dying = await serve()
    const { plan } = await dying.call('assess_rollback', { version: '1.1.0' })
    const events = watchEvents((line) => line === `create ${world.prefix}-${web}-1`)
    const running = dying
      .call('execute_rollback', { target: 'docker', version: plan.version, plan_id: plan.id })
      .catch(() => undefined)
    await Promise.race([events.seen, running])
    dying.kill()
    events.stop()
    await running
    const server = await serve()
    const { interrupted } = await until('the interruption', async () => {
      const answer = await server.call('assess_rollback')
      return answer.interrupted ? answer : null
    })
    const { id, version } = interrupted[direction]
    const result = await server.call('execute_rollback', { target: 'docker', version, plan_id: id })
    expect(result, String(result.summary)).toMatchObject({ outcome: direction === 'finish' ? 'succeeded' : 'undone' })
    if (direction === 'finish') expect(await inspect(`${world.prefix}-${web}-1`)).toMatchObject({ Image: good })
    else await expect(inspect(`${world.prefix}-${web}-1`)).rejects.toThrow(/no such/i)
    await server.close()
  })
})
