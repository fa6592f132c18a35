import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { createMask } from '../../../../src/support/mask.ts'
import { docker, makeImage } from '../../../../testkit/docker/images.ts'
import { carryOut, createWorld, inspect, planTo, record, signal, type World } from '../../../../testkit/docker/world.ts'
import { describeOn } from '../../../harness/describe-on.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const digestOf = async (reference: string): Promise<string> => {
  const text = await docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', reference)
  return text.slice(text.indexOf('@') + 1)
}

describeOn('docker', 'candidates of a private registry', ({ registry = '127.0.0.1:5000' }) => {
  let world: World
  let digest: string

  beforeAll(async () => {
    world = createWorld(registry)
    await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
    await makeImage(world.repository, '1.1.0')
    await docker('push', '-q', `${world.repository}:1.1.0`)
    digest = await digestOf(`${world.repository}:1.1.0`)
  })
  afterEach(() => world.clear())
  afterAll(() => world.remove())

  const forget = (version: string) =>
    docker('rmi', '-f', `${world.repository}:${version}`, `${world.repository}@${digest}`).catch(() => '')

  it('are pulled by digest before anything is stopped, and shown under their tag', async () => {
    await world.start('web', '1.2.0')
    await forget('1.1.0')
    const target = await world.open({ history: [record({ version: '1.1.0', digest })] })
    const planned = await planTo(target, '1.1.0')
    expect(planned.release).toMatchObject({ id: digest, available: { state: 'yes' } })
    expect(planned.draft.risks).toEqual([])
    expect(planned.draft.steps[0]).toMatchObject({
      kind: 'pull_image',
      phase: 'prepare',
      params: { image: `${world.repository}@${digest}` }
    })
    await carryOut(target, planned)
    const web = await inspect(`${world.prefix}-web`)
    expect(web.Config.Image).toBe(`${world.repository}:1.1.0`)
    const { checks } = await target.check(planned.release, { signal: signal() })
    expect(checks.filter(({ status }) => status !== 'pass')).toEqual([])
  })

  it('whose tag was pushed again: the recorded image is taken, and the move is named', async () => {
    await world.start('web', '1.2.0')
    await makeImage(world.repository, '1.1.0', { changes: ['ENV OTHER=1'] })
    await docker('push', '-q', `${world.repository}:1.1.0`)
    const target = await world.open({ history: [record({ version: '1.1.0', digest })] })
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.risks).toMatchObject([{ id: 'digest_moved:1.1.0', serious: false }])
    await carryOut(target, planned)
    expect((await inspect(`${world.prefix}-web`)).Config.Image).toBe(`${world.repository}@${digest}`)
    expect((await target.observe(signal())).observation.current).toMatchObject({ version: '1.1.0', id: digest })
  })

  it('whose recorded image is nowhere while the tag means another: a serious risk', async () => {
    await world.start('web', '1.2.0')
    const lost = `sha256:${'0'.repeat(64)}`
    const target = await world.open({ history: [record({ version: '1.1.0', digest: lost })] })
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.risks).toMatchObject([
      { id: 'digest_moved:1.1.0', serious: true, detail: expect.stringContaining(lost) }
    ])
  })

  it('that were deleted everywhere are refused, and nothing was touched', async () => {
    await world.start('web', '1.2.0')
    const before = await inspect(`${world.prefix}-web`)
    const target = await world.open({ history: [record({ version: '0.9.0', digest: `sha256:${'1'.repeat(64)}` })] })
    const planned = await planTo(target, '0.9.0')
    expect(planned.release.available).toMatchObject({ state: 'no' })
    expect(planned.draft.blockers).toMatchObject([{ id: 'image_gone:0.9.0' }])
    const after = await inspect(`${world.prefix}-web`)
    expect([after.Id, after.State.StartedAt, after.HostConfig]).toEqual([
      before.Id,
      before.State.StartedAt,
      before.HostConfig
    ])
    expect(await world.names()).toEqual([`${world.prefix}-web`])
  })

  it('of a registry that is down: a note where the image is on the engine, a blocker where it is not', async () => {
    const away = createWorld('127.0.0.1:1')
    try {
      await makeImage(away.repository, '1.1.0')
      await makeImage(away.repository, '1.2.0')
      await away.start('web', '1.2.0')
      const target = await away.open({ history: [record({ version: '1.0.0', digest: `sha256:${'2'.repeat(64)}` })] })
      const local = await planTo(target, '1.1.0')
      expect(local.draft.blockers).toEqual([])
      expect(local.observation.notes.join()).toContain('Only local images and the history were considered')
      const remote = await planTo(target, '1.0.0')
      expect(remote.draft.blockers).toMatchObject([{ id: 'image_unreachable:1.0.0' }])
    } finally {
      await away.remove()
    }
  })
})

describeOn('docker', 'a registry that asks for a login', () => {
  let world: World
  let server: Server
  let home: string
  const password = 'correct-horse-battery'

  beforeAll(async () => {
    server = createServer((request, response) => {
      const { port } = server.address() as AddressInfo
      const authorization = request.headers.authorization ?? ''
      if (request.url?.startsWith('/token'))
        return authorization === `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`
          ? response.end(JSON.stringify({ token: 'a-bearer-token' }))
          : response.writeHead(401).end()
      if (authorization !== 'Bearer a-bearer-token')
        return response
          .writeHead(401, {
            'www-authenticate': `Bearer realm="http://127.0.0.1:${port}/token",service="test",scope="repository:x:pull"`
          })
          .end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
      if (request.url?.includes('/tags/list')) return response.end(JSON.stringify({ name: 'x', tags: ['0.9.0'] }))
      return response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    world = createWorld(`127.0.0.1:${(server.address() as AddressInfo).port}`)
    home = await mkdtemp(join(tmpdir(), 'pop-docker-config-'))
    await makeImage(world.repository, '1.2.0')
    await world.start('web', '1.2.0')
  })
  afterAll(async () => {
    await world.remove()
    server.close()
    await rm(home, { recursive: true, force: true })
  })

  it('is named when the Docker configuration has none', async () => {
    const target = await world.open({ env: { DOCKER_CONFIG: home } })
    expect((await target.observe(signal())).observation.notes.join()).toContain('asks for a login')
  })

  it('gets the one of the Docker configuration, by token, and the password is masked', async () => {
    await writeFile(
      join(home, 'config.json'),
      JSON.stringify({
        auths: { [world.repository.split('/')[0] ?? '']: { auth: Buffer.from(`ada:${password}`).toString('base64') } }
      })
    )
    const mask = createMask()
    const target = await world.open({ env: { DOCKER_CONFIG: home }, mask })
    const observation = (await target.observe(signal())).observation
    expect(observation.releases.map(({ version }) => version)).toEqual(['0.9.0'])
    expect(mask.text(`the password is ${password}`)).not.toContain(password)
  })

  it('gets the one that a credential helper gives', async () => {
    await writeFile(join(home, 'config.json'), JSON.stringify({ credsStore: 'popkit-test' }))
    const helper = join(home, 'docker-credential-popkit-test')
    await writeFile(
      helper,
      `#!/bin/sh\nread server\necho '{"ServerURL":"'$server'","Username":"ada","Secret":"${password}"}'\n`,
      { mode: 0o755 }
    )
    const target = await world.open({ env: { DOCKER_CONFIG: home, PATH: `${home}:/bin:/usr/bin` } })
    expect((await target.observe(signal())).observation.releases.map(({ version }) => version)).toEqual(['0.9.0'])
  })

  it('with a missing helper is reported, and blocks nothing', async () => {
    await writeFile(join(home, 'config.json'), JSON.stringify({ credsStore: 'nobody-has-this' }))
    const target = await world.open({ env: { DOCKER_CONFIG: home, PATH: '/bin:/usr/bin' } })
    expect((await target.observe(signal())).observation.notes.join()).toContain('docker-credential-nobody-has-this')
  })
})
