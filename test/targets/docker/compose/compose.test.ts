import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { Step } from '../../../../src/model/step.ts'
import type { TargetContext } from '../../../../src/targets/target.ts'
import { startServer } from '../../../../testkit/built-server.ts'
import { type ComposeProject, composeProject, tagVariable } from '../../../../testkit/docker/compose-project.ts'
import { docker, makeImage } from '../../../../testkit/docker/images.ts'
import {
  carryOut,
  inspect,
  isHealthy,
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

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'a Compose project', ({ compose: program = '' }) => {
  const world = useWorld()
  let good: string
  let bad: string
  const projects: ComposeProject[] = []

  const file = () => `
services:
  db:
    image: ${world.repository}:1.1.0
    environment: {POSTGRES_PASSWORD: not-for-anybody}
    volumes: [/data]
  web:
    image: ${world.repository}:${tagVariable}
    depends_on: {db: {condition: service_healthy}}
    ports: ["127.0.0.1::8080"]
    volumes: [/uploads]
  worker:
    image: ${world.repository}:${tagVariable}
    command: sh -c 'trap exit TERM; while :; do sleep 0.2; done'
    healthcheck: {test: ["CMD", "sh", "-c", ":"], interval: 300ms}
    networks: {default: {aliases: [jobs]}}
  extra:
    image: ${world.repository}:${tagVariable}
    profiles: [seldom]
`

  beforeAll(async () => {
    good = await makeImage(world.repository, '1.1.0')
    bad = await makeImage(world.repository, '1.2.0')
    await makeImage(world.repository, '1.3.0', { mode: 'unhealthy' })
    await makeImage(world.repository, '1.4.0', { mode: 'crash' })
  })
  afterEach(async () => {
    for (const project of projects.splice(0)) await project.remove()
  })

  const project = async (text = file(), env?: string) => {
    const created = await composeProject(world, program, text, env)
    projects.push(created)
    return created
  }
  const open = ({ dir, env }: ComposeProject, config: object = {}, parts: Partial<TargetContext> = {}) =>
    world.open({
      projectDir: dir,
      env,
      config: {
        image_name: undefined,
        registry: undefined,
        services: ['web', 'worker'],
        project: world.prefix,
        ...config
      },
      ...parts
    })
  const named = (service: string, number = 1) => inspect(`${world.prefix}-${service}-${number}`)

  it.skipIf(!program)('goes back with its services of one image, and Compose owns them as before', async () => {
    const it = await project()
    await it.compose('up', '-d', '--wait')
    const before = { db: await named('db'), web: await named('web'), worker: await named('worker') }
    const target = await open(it)
    const planned = await planTo(target, '1.1.0')
    expect(planned.observation.current).toMatchObject({ version: '1.2.0' })
    expect(planned.draft.blockers).toEqual([])
    expect(planned.draft.risks).toMatchObject([
      { id: 'digest_unrecorded:1.1.0' },
      { id: 'compose_file:web', detail: expect.stringContaining('In .env, line 1: change TAG=1.2.0 to TAG=1.1.0') },
      { id: 'compose_file:worker' }
    ])
    await carryOut(target, planned)
    for (const service of ['web', 'worker'] as const) {
      const now = await named(service)
      expect(now).toMatchObject({ Image: good, State: { Running: true } })
      expect(now.Config.Labels).toMatchObject(
        before[service].Config.Labels['com.docker.compose.project']
          ? {
              'com.docker.compose.project': world.prefix,
              'com.docker.compose.service': service,
              'com.docker.compose.container-number': '1',
              'com.docker.compose.config-hash': before[service].Config.Labels['com.docker.compose.config-hash']
            }
          : {}
      )
      expect(now.NetworkSettings.Networks[`${world.prefix}_default`].Aliases).toEqual(
        expect.arrayContaining([service, `${world.prefix}-${service}-1`])
      )
    }
    expect((await named('worker')).NetworkSettings.Networks[`${world.prefix}_default`].Aliases).toContain('jobs')
    expect((await named('web')).Mounts.map(({ Name }: { Name: string }) => Name)).toEqual(
      before.web.Mounts.map(({ Name }: { Name: string }) => Name)
    )
    expect((await named('db')).State.StartedAt).toBe(before.db.State.StartedAt)

    expect((await it.compose('ps', '--services')).split('\n').filter(Boolean).sort()).toEqual(['db', 'web', 'worker'])
    await docker('exec', `${world.prefix}-web-1`, 'sh', '-c', 'echo said-by-the-new-one >/proc/1/fd/1')
    expect(await it.compose('logs', 'web')).toContain('said-by-the-new-one')
    await it.write('.env', 'TAG=1.1.0\n')
    const up = await it.compose('up', '-d', '--wait')
    expect(up).not.toMatch(/orphan|conflict/i)
    expect(await named('web')).toMatchObject({ Image: good })
    expect((await named('web')).Mounts.map(({ Name }: { Name: string }) => Name)).toEqual(
      before.web.Mounts.map(({ Name }: { Name: string }) => Name)
    )
    const down = await it.compose('down', '-t', '1')
    expect(down).not.toMatch(/error|in use/i)
    expect(await world.names()).toEqual([])
  })

  it.skipIf(!program)(
    'through the built server: found by the Compose file alone, and what remains to be changed is named',
    async () => {
      const it = await project()
      await it.compose('up', '-d', '--wait')
      const server = await startServer({ projectDir: it.dir, env: it.env })
      try {
        const assessment = await server.call('assess_rollback', { target: 'docker', version: '1.1.0' })
        const risks = assessment.risks
          .filter(({ serious }: { serious: boolean }) => serious)
          .map(({ id }: { id: string }) => id)
        const done = await server.call('execute_rollback', {
          target: 'docker',
          version: '1.1.0',
          plan_id: assessment.plan.id,
          accept: risks
        })
        expect(done, String(done.summary)).toMatchObject({ outcome: 'succeeded' })
        expect(done.remains.join('\n')).toContain('In .env, line 1: change TAG=1.2.0 to TAG=1.1.0')
        expect(JSON.stringify(done)).not.toContain('not-for-anybody')
      } finally {
        await server.close()
      }
    }
  )

  it.skipIf(!program)(
    'without the change: the next up decides by the file, which still names the other version',
    async () => {
      const it = await project()
      await it.compose('up', '-d', '--wait')
      const target = await open(it)
      await carryOut(target, await planTo(target, '1.1.0'))
      await it.compose('up', '-d')
      expect(await named('web')).toMatchObject({ Image: bad })
    }
  )

  it.skipIf(!program)('keeps replicas and their numbers, one after another', async () => {
    const it = await project()
    await it.compose('up', '-d', '--wait', '--scale', 'web=3')
    const target = await open(it, { services: ['web'] })
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.steps.filter(({ kind }) => kind === 'swap_container')).toHaveLength(3)
    await carryOut(target, planned)
    for (const number of [1, 2, 3]) {
      expect(await named('web', number)).toMatchObject({ Image: good })
      expect((await named('web', number)).Config.Labels['com.docker.compose.container-number']).toBe(String(number))
    }
    expect((await it.compose('ps', '-q', 'web')).split('\n').filter(Boolean)).toHaveLength(3)
    const { checks } = await target.check(planned.release, { signal: signal() })
    expect(checks.filter(({ status }) => status !== 'pass')).toEqual([])
  })

  it.skipIf(!program)('rolls as many at once as is configured', async () => {
    const it = await project()
    await it.compose('up', '-d', '--wait', '--scale', 'web=4')
    const target = await open(it, { services: ['web'], max_parallel: 2 })
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.steps.filter(({ kind }) => kind === 'swap_container')).toHaveLength(2)
    await carryOut(target, planned)
    for (const number of [1, 2, 3, 4]) expect(await named('web', number)).toMatchObject({ Image: good })
  })

  it.skipIf(!program)('whose replicas serve nothing goes back all at once, for nothing is lost by it', async () => {
    const it = await project(undefined, 'TAG=1.4.0\n')
    await it.compose('up', '-d', '--no-deps', '--scale', 'web=3', 'web')
    await until('the end of all', async () => {
      const all = await Promise.all([1, 2, 3].map((number) => named('web', number)))
      return all.every(({ State }) => State.Status === 'exited')
    })
    const swapsOf = ({ draft }: Planned) => draft.steps.filter(({ kind }) => kind === 'swap_container')
    expect(swapsOf(await planTo(await open(it, { services: ['web'], max_parallel: 1 }), '1.1.0'))).toHaveLength(3)
    const target = await open(it, { services: ['web'] })
    const planned = await planTo(target, '1.1.0')
    expect(swapsOf(planned).map(({ params }) => params.members)).toMatchObject([{ length: 3 }])
    await carryOut(target, planned)
    for (const number of [1, 2, 3]) expect(await named('web', number)).toMatchObject({ Image: good })
  })

  it.skipIf(!program)('stops at the first replica that does not become healthy, and all are put back', async () => {
    const it = await project()
    await it.compose('up', '-d', '--wait', '--scale', 'web=3')
    const before = await Promise.all([1, 2, 3].map((number) => named('web', number)))
    const target = await open(it, { services: ['web'], health_timeout_seconds: 2 })
    const planned = await planTo(target, '1.3.0')
    await expect(carryOut(target, planned)).rejects.toMatchObject({ code: 'not_healthy' })
    const { health } = (await target.observe(signal())).observation
    expect(health).toMatchObject({ state: expect.not.stringMatching('healthy') })
    expect(health.message).toMatch(/^1 of 3 containers runs 1\.3\.0; /)
    const third = await named('web', 3)
    expect(third).toMatchObject({ Id: before[2].Id, State: { StartedAt: before[2].State.StartedAt } })
    await takeBack(target, planned)
    const after = await Promise.all([1, 2, 3].map((number) => named('web', number)))
    expect(after.map(({ Id }) => Id)).toEqual(before.map(({ Id }) => Id))
    for (const container of after) expect(container.State.Running).toBe(true)
    expect((await it.compose('ps', '-a', '-q', 'web')).split('\n').filter(Boolean)).toHaveLength(3)
  })

  it.skipIf(!program)(
    'names the command that gives a service in the network of another one its network back',
    async () => {
      const sidecar = `
  sidecar:
    image: ${world.repository}:1.1.0
    command: sleep 1000
    healthcheck: {disable: true}
    network_mode: service:web
`
      const it = await project(file() + sidecar)
      await it.compose('up', '-d', 'web', 'sidecar')
      const target = await open(it, { services: ['web'] })
      const planned = await planTo(target, '1.1.0')
      expect(planned.draft.risks).toContainEqual(
        expect.objectContaining({ id: `dependent:${world.prefix}-sidecar-1`, serious: true })
      )
      await it.write('.env', 'TAG=1.1.0\n')
      await carryOut(target, planned)
      const look = planned.draft.steps.find(({ kind }) => kind === 'dependents')
      const [line = ''] = (look && (await target.apply(look, testRun())).manual) ?? []
      const command = line.slice(line.indexOf('docker compose ') + 'docker compose '.length)
      const web = await named('web')
      await it.compose(...command.split(' '))
      expect((await named('sidecar')).HostConfig.NetworkMode).toBe(`container:${web.Id}`)
      expect((await named('web')).Id).toBe(web.Id)
      expect((await target.apply(look as Step, testRun())).detail).toBe('none')
    }
  )

  it.skipIf(!program)('with a service in the network of another one does not go back with both at once', async () => {
    const it = await project(`
services:
  web:
    image: ${world.repository}:${tagVariable}
  worker:
    image: ${world.repository}:${tagVariable}
    command: sleep 1000
    healthcheck: {test: ["CMD", "sh", "-c", ":"], interval: 300ms}
    network_mode: service:web
`)
    await it.compose('up', '-d', '--wait')
    const { draft } = await planTo(await open(it), '1.1.0')
    expect(draft.blockers).toMatchObject([
      { id: `shared_namespace:${world.prefix}-worker-1`, next: expect.stringContaining(`only ${world.prefix}-web-1`) }
    ])
    expect(JSON.stringify(draft)).not.toContain('does not change it')
    const alone = await planTo(await open(it, { services: ['web'] }), '1.1.0')
    expect(alone.draft.blockers).toEqual([])
    expect(alone.draft.risks.map(({ id }) => id)).toContain(`dependent:${world.prefix}-worker-1`)
  })

  it.skipIf(!program)('rolls each service after those that it depends on', async () => {
    const image = `image: "${world.repository}:${tagVariable}"`
    const it = await project(`
services:
  a: {${image}, depends_on: {b: {condition: service_healthy}}}
  b: {${image}, depends_on: [c]}
  c: {${image}}
`)
    const steps = async (kind: string) => {
      const { draft } = await planTo(await open(it, { services: ['a', 'b', 'c'] }), '1.1.0')
      return draft.steps.filter((step) => step.kind === kind).map(({ id }) => id.replaceAll(`${world.prefix}-`, ''))
    }
    await it.compose('up', '-d', '--wait')
    expect(await steps('start_beside')).toEqual(['beside:c-1', 'beside:b-1', 'beside:a-1'])
    await it.compose('stop', '-t', '1')
    expect(await steps('swap_container')).toEqual(['swap:c-1', 'swap:b-1', 'swap:a-1'])
  })

  it.skipIf(!program)('of which no container is left is created from the Compose file, its image pinned', async () => {
    const it = await project()
    await it.compose('up', '-d', '--wait', 'db')
    const target = await open(it, { services: ['web'] }, { history: [record({ version: '1.1.0', digest: good })] })
    const planned = await planTo(target, '1.1.0')
    expect(planned.observation.current).toBeNull()
    expect(planned.draft.steps.map(({ kind }) => kind)).toEqual(['compose_up', 'compose_files'])
    await carryOut(target, planned)
    expect(await named('web')).toMatchObject({ Image: good, State: { Health: { Status: 'healthy' } } })
    expect((await target.observe(signal())).observation.current).toMatchObject({ version: '1.1.0' })
    expect(await it.compose('ps')).toContain(`${world.prefix}-web-1`)
    await takeBack(target, planned)
    await expect(named('web')).rejects.toThrow(/no such container/i)
  })

  it.skipIf(!program)('of another folder with the same image makes it ambiguous, unless one is named', async () => {
    const it = await project()
    await it.compose('up', '-d', 'worker')
    const other = await composeProject(world, program, file())
    projects.push(other)
    await other.write('compose.yaml', `name: ${world.prefix}-staging\n${file()}`)
    await other.compose('up', '-d', 'worker')
    const slash = world.repository.indexOf('/')
    const byImage = {
      image_name: world.repository.slice(slash + 1),
      registry: world.repository.slice(0, slash),
      services: undefined,
      project: undefined
    }
    const here = await (await open(it, byImage)).observe(signal())
    expect(here.state).toMatchObject({ containers: [{ Name: `${world.prefix}-worker-1` }] })
    const nowhere = await (await open({ ...it, dir: '/nonexistent' }, byImage)).observe(signal())
    expect(nowhere.observation.blockers).toMatchObject([
      { id: 'ambiguous', why: expect.stringContaining(`${world.prefix}-staging`) }
    ])
  })

  it.skipIf(!program)('rehearses in isolation, and stops nothing when the rehearsal fails', async () => {
    const it = await project()
    await it.compose('up', '-d', '--wait')
    const before = await named('web')
    const target = await open(it, { services: ['web'], rehearse: true, health_timeout_seconds: 3 })
    const failing = await planTo(target, '1.3.0')
    expect(failing.draft.steps.map(({ kind }) => kind).slice(0, 2)).toEqual(['rehearse', 'create_container'])
    const evidence: string[] = []
    const run = testRun({ evidence: ({ title }) => void evidence.push(title) })
    await expect(carryOut(target, failing, { run })).rejects.toMatchObject({ code: 'not_healthy' })
    expect((await named('web')).State.StartedAt).toBe(before.State.StartedAt)
    expect(evidence.length).toBe(1)
    expect((await world.names()).filter((name) => name.includes('popkit'))).toEqual([])
    const good_ = await planTo(target, '1.1.0')
    await carryOut(target, good_)
    expect(await named('web')).toMatchObject({ Image: good })
    await until('no rehearsal', async () => (await world.names()).every((name) => !name.includes('popkit')))
    await isHealthy(`${world.prefix}-web-1`)
  })
})
