import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { docker, makeForeignImage, makeImage } from '../../../testkit/docker/images.ts'
import {
  carryOut,
  createWorld,
  inspect,
  planTo,
  record,
  signal,
  until,
  type World
} from '../../../testkit/docker/world.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'an assessment of containers', () => {
  let world: World
  let good: string

  beforeAll(async () => {
    world = createWorld()
    good = await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0')
  })
  afterEach(() => world.clear())
  afterAll(() => world.remove())

  const web = () => `${world.prefix}-web`
  const beside = (name: string, ...options: string[]) =>
    docker(
      'run',
      '-d',
      '--name',
      `${world.prefix}-${name}`,
      ...options,
      '--no-healthcheck',
      '--entrypoint',
      'sleep',
      good,
      '1000'
    )

  it('names containers that use the network of the one replaced, before and after', async () => {
    await world.start('web', '1.2.0')
    await beside('sidecar', '--network', `container:${web()}`)
    const target = await world.open({ config: { containers: [web()] } })
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.risks).toMatchObject([
      expect.anything(),
      {
        id: `dependent:${world.prefix}-sidecar`,
        serious: true,
        detail: expect.stringContaining(`--network container:${web()}`)
      }
    ])
    await carryOut(target, planned)
    const look = planned.draft.steps.find(({ kind }) => kind === 'dependents')
    expect(look && (await target.apply(look, testRun())).manual).toEqual([
      expect.stringContaining(`${world.prefix}-sidecar has lost its network`)
    ])
  })

  it.each([
    ['processes', (on: string) => ['--pid', `container:${on}`], 'all its processes'],
    ['shared memory', (on: string) => ['--ipc', `container:${on}`], 'its shared memory'],
    ['link', (on: string) => ['--link', on], 'that address']
  ])('names containers that have the %s of the one replaced', async (what, options, loses) => {
    await world.start('web', '1.2.0', '--ipc', 'shareable')
    await beside('sidecar', ...options(web()))
    const target = await world.open({ config: { containers: [web()] } })
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.risks).toContainEqual({
      id: `dependent:${world.prefix}-sidecar`,
      serious: true,
      title: expect.stringContaining(what),
      detail: expect.stringContaining(`loses ${loses}`)
    })
    await carryOut(target, planned)
    const look = planned.draft.steps.find(({ kind }) => kind === 'dependents')
    expect(look && (await target.apply(look, testRun())).manual).toEqual([
      expect.stringContaining(`${world.prefix}-sidecar has lost ${loses}`)
    ])
  })

  it('names containers that took its volumes with --volumes-from', async () => {
    await world.start('web', '1.2.0', '-v', '/uploads')
    await beside('shipper', '--volumes-from', web())
    const target = await world.open({ config: { containers: [web()] } })
    expect((await planTo(target, '1.1.0')).draft.risks).toContainEqual(
      expect.objectContaining({
        id: expect.stringMatching(/^shared_volume:/),
        title: expect.stringContaining(`${world.prefix}-shipper`)
      })
    )
  })

  it.each([
    ['the name of one', (volume: string) => volume],
    ['the path of one', () => '/data'],
    ['true', () => 'true']
  ])('names a volume that the newer version has migrated, by a label with %s', async (_, value) => {
    const volume = `${world.prefix}-data`
    const label = `popkit.rollback.migrates=${value(volume)}`
    await world.start('web', '1.2.0', '-v', `${volume}:/data`, '--label', label)
    const target = await world.open({ config: { containers: [web()] } })
    const { draft } = await planTo(target, '1.1.0')
    expect(draft.risks).toContainEqual(
      expect.objectContaining({
        id: `volume_migrated:${volume}`,
        serious: true,
        detail: expect.stringContaining('backup')
      })
    )
  })

  it('says since when a health check fails, also where the engine has dropped its first failures', async () => {
    await makeImage(world.repository, '1.3.0', { mode: 'fading' })
    await world.start('web', '1.3.0')
    await until('seven failures', async () => (await inspect(web())).State.Health.FailingStreak >= 7)
    const { State: state } = await inspect(web())
    const { health } = (await (await world.open()).observe(signal())).observation
    expect(health).toMatchObject({ state: 'degraded' })
    const since = Date.parse(health.since ?? '')
    expect(since).toBeGreaterThan(Date.parse(state.StartedAt) + 2000)
    expect(since).toBeLessThan(Date.parse(state.Health.Log[0].Start))
  })

  it('says since when a container is in a crash loop: since it was created, not since its last restart', async () => {
    await makeImage(world.repository, '1.4.0', { mode: 'crash' })
    await world.start('web', '1.4.0', '--restart', 'always')
    await until('restarts', async () => (await inspect(web())).RestartCount >= 2)
    const { Created: created } = await inspect(web())
    const { health } = (await (await world.open()).observe(signal())).observation
    expect(health.since?.slice(0, 19)).toBe(created.slice(0, 19))
  })

  it('names containers that share a volume, and that its data stays', async () => {
    await world.start('web', '1.2.0', '-v', `${world.prefix}-data:/data`)
    await beside('backup', '-v', `${world.prefix}-data:/data`)
    const target = await world.open({ config: { containers: [web()] } })
    const { draft } = await planTo(target, '1.1.0')
    expect(draft.risks).toContainEqual(
      expect.objectContaining({ id: `shared_volume:${world.prefix}-data`, serious: false })
    )
    expect(draft.notes.join('\n')).toContain(
      `Data that the newer version wrote stays in the volume ${world.prefix}-data`
    )
  })

  it('refuses when somebody else has taken the published port', async () => {
    await world.start('web', '1.2.0', '-p', '127.0.0.1::8080')
    const port = (await inspect(web())).NetworkSettings.Ports['8080/tcp'][0].HostPort
    await docker('rm', '-f', web())
    await world.start('web', '1.2.0', '-p', `127.0.0.1:${port}:8080`)
    await docker('stop', '-t', '0', web())
    await beside('thief', '-p', `127.0.0.1:${port}:8080`)
    const target = await world.open({ config: { containers: [web()] } })
    expect((await planTo(target, '1.1.0')).draft.blockers).toMatchObject([
      { id: `port_taken:${port}`, why: expect.stringContaining('thief') }
    ])
  })

  it('does not mind the same port at another address', async () => {
    await world.start('web', '1.2.0', '-p', '127.0.0.1::8080')
    const port = (await inspect(web())).NetworkSettings.Ports['8080/tcp'][0].HostPort
    await docker('rm', '-f', web())
    await world.start('web', '1.2.0', '-p', `127.0.0.1:${port}:8080`)
    await docker('stop', '-t', '0', web())
    await beside('neighbour', '-p', `127.0.0.2:${port}:8080`)
    const target = await world.open({ config: { containers: [web()] } })
    expect((await planTo(target, '1.1.0')).draft.blockers).toEqual([])
  })

  it('refuses a container that was started with --rm', async () => {
    await world.start('web', '1.2.0', '--rm')
    const target = await world.open()
    expect((await target.observe(signal())).observation.blockers).toMatchObject([
      { id: `auto_remove:${web()}`, next: expect.stringContaining('without --rm') }
    ])
  })

  it('refuses an image of another platform', async () => {
    await world.start('web', '1.2.0')
    await makeForeignImage(world.repository, '0.5.0', 's390x')
    const target = await world.open()
    expect((await planTo(target, '0.5.0')).draft.blockers).toMatchObject([
      { id: 'platform:0.5.0', why: expect.stringContaining('linux/s390x') }
    ])
  })

  it('takes an image of another platform where the engine runs one of it now', async () => {
    for (const version of ['0.5.0', '0.6.0']) await makeForeignImage(world.repository, version, 's390x')
    await world.start('web', '0.6.0')
    const target = await world.open()
    expect((await planTo(target, '0.5.0')).draft.blockers).toEqual([])
  })

  it('names the tag "latest", and calls the version what the image or history calls it', async () => {
    await docker('tag', `${world.repository}:1.2.0`, `${world.repository}:latest`)
    await docker('run', '-d', '--name', web(), `${world.repository}:latest`)
    const target = await world.open()
    const observation = (await target.observe(signal())).observation
    expect(observation.current).toMatchObject({ version: '1.2.0' })
    expect(observation.risks).toMatchObject([{ id: 'generic_tag:latest' }])
  })

  it('names how the configuration differs from the recorded one, and no value of it', async () => {
    await world.start('web', '1.1.0', '-e', 'DATABASE=old-secret-value', '-e', 'GONE=1')
    const recorded = (await (await world.open()).observe(signal())).observation.snapshot
    await docker('rm', '-f', web())
    await world.start('web', '1.2.0', '-e', 'DATABASE=new-secret-value', '-v', '/tmp:/extra')
    const target = await world.open({
      history: [record({ version: '1.1.0', digest: good, ...(recorded ? { snapshot: recorded } : {}) })]
    })
    const { draft } = await planTo(target, '1.1.0')
    const risk = draft.risks.find(({ id }) => id === 'configuration_changed:1.1.0')
    expect(risk).toMatchObject({ serious: true })
    for (const line of ['variable DATABASE changed', 'variable GONE is gone', 'mount /extra is new'])
      expect(risk?.detail).toContain(line)
    expect(JSON.stringify([recorded, draft])).not.toContain('secret-value')
    const { variables } =
      Object.values(recorded?.containers as Record<string, { variables: Record<string, string> }>)[0] ?? {}
    expect(variables?.DATABASE).toHaveLength(4)
  })

  it('says why it is not clear which containers are meant, and goes by their names then', async () => {
    await world.start('web', '1.1.0')
    await world.start('other', '1.2.0', '--', 'sh', '-c', 'exit 3')
    await until('the end', async () => (await inspect(`${world.prefix}-other`)).State.Status === 'exited')
    const observation = (await (await world.open()).observe(signal())).observation
    expect(observation.blockers).toMatchObject([{ id: 'ambiguous' }])
    const named = await world.open({ config: { containers: [`${world.prefix}-other`] } })
    expect((await named.observe(signal())).observation).toMatchObject({ blockers: [], current: { version: '1.2.0' } })
  })

  it('does not run a migration again that ended well while the service beside it crashed', async () => {
    const ends = (code: number) => ['--', 'sh', '-c', `exit ${code}`]
    await world.start('web', '1.2.0', ...ends(1))
    await world.start(
      'stopped',
      '1.2.0',
      '--restart',
      'unless-stopped',
      '--',
      'sh',
      '-c',
      'trap "exit 0" TERM; sleep 1000 & wait'
    )
    await docker('stop', `${world.prefix}-stopped`)
    await world.start('migrate', '1.2.0', ...ends(0))
    await until('the end of all', async () => (await docker('ps', '-q', '--filter', `name=${world.prefix}`)) === '')
    const { state } = await (await world.open()).observe(signal())
    expect(state).toMatchObject({ containers: [{ Name: `${world.prefix}-stopped` }, { Name: web() }] })
  })

  it('takes stopped containers of earlier versions for evidence that they served, and leaves them alone', async () => {
    await world.start('web-before', '1.1.0')
    await docker('stop', '-t', '1', `${world.prefix}-web-before`)
    await world.start('web', '1.2.0')
    const observation = (await (await world.open()).observe(signal())).observation
    expect(observation.current).toMatchObject({ version: '1.2.0' })
    expect(observation.releases.find(({ version }) => version === '1.1.0')?.served).toMatchObject({
      source: `container ${world.prefix}-web-before`
    })
  })

  it('remembers on the engine itself what a rollback went back from', async () => {
    await world.start('web', '1.2.0')
    const target = await world.open()
    await carryOut(target, await planTo(target, '1.1.0'))
    const observation = (await target.observe(signal())).observation
    expect(observation.releases.find(({ version }) => version === '1.2.0')?.rolledBackAt).toMatch(/^\d{4}-/)
  })
})

describeOn('docker', 'a registry that refuses', () => {
  it.each([
    [429, 'TOOMANYREQUESTS', 'too many requests: rate limit', 'image_rate_limited:1.1.0'],
    [403, 'DENIED', 'requested access to the resource is denied', 'image_denied:1.1.0'],
    [503, 'UNAVAILABLE', 'maintenance', 'image_unreachable:1.1.0']
  ])('with HTTP %s is distinguished, and nothing is stopped', async (status, code, message, blocker) => {
    const server = createServer((request, response) => {
      if (request.url === '/v2/') return response.end('{}')
      return response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ errors: [{ code, message }] }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const world = createWorld(`127.0.0.1:${(server.address() as AddressInfo).port}`)
    try {
      await makeImage(world.repository, '1.2.0')
      const id = await world.start('web', '1.2.0')
      const target = await world.open({ history: [record({ version: '1.1.0', digest: `sha256:${'3'.repeat(64)}` })] })
      expect((await planTo(target, '1.1.0')).draft.blockers).toMatchObject([{ id: blocker }])
      expect(await inspect(`${world.prefix}-web`)).toMatchObject({ Id: id, State: { Running: true } })
    } finally {
      await world.remove()
      server.close()
    }
  })
})

describeOn('docker', 'a probe', () => {
  it('is asked until it is answered, and fails the check when it is not', async () => {
    const world = createWorld()
    try {
      await makeImage(world.repository, '1.1.0', { healthcheck: false, mode: 'slow' })
      await makeImage(world.repository, '1.2.0', { healthcheck: false })
      await world.start('web', '1.2.0', '-p', '127.0.0.1::8080')
      const port = (await inspect(`${world.prefix}-web`)).NetworkSettings.Ports['8080/tcp'][0].HostPort
      await docker('rm', '-f', `${world.prefix}-web`)
      await world.start('web', '1.2.0', '-p', `127.0.0.1:${port}:8080`)
      const target = await world.open({ config: { probe: { http: `http://127.0.0.1:${port}/health` } } })
      const planned = await planTo(target, '1.1.0')
      await carryOut(target, planned)
      const good = await target.check(planned.release, { signal: signal() })
      expect(good.checks).toContainEqual(expect.objectContaining({ id: 'probe', status: 'pass' }))
      const strict = await world.open({ config: { probe: { http: `http://127.0.0.1:${port}/nothing` } } })
      const bad = await strict.check(planned.release, { signal: signal() })
      expect(bad.checks).toContainEqual(expect.objectContaining({ id: 'probe', status: 'fail' }))
      // What users are answered counts before a rollback, too.
      const health = async (of: typeof target) => (await of.observe(signal())).observation.health
      expect(await health(strict)).toMatchObject({ state: 'degraded', message: expect.stringContaining('answers 404') })
      expect(await health(target)).toMatchObject({ state: 'healthy', message: expect.stringContaining('answers 200') })
      expect((await health(target)).unchecked).toBeUndefined()
      expect(await health(await world.open({}))).toMatchObject({ state: 'healthy', unchecked: true })
    } finally {
      await world.remove()
    }
  })
})
