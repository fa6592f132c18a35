import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { createMask } from '../../../../src/support/mask.ts'
import { docker, makeImage } from '../../../../testkit/docker/images.ts'
import { carryOut, createWorld, inspect, planTo, record, type World } from '../../../../testkit/docker/world.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { startTokenRegistry, type TokenRegistry } from './token-registry.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const password = 'correct-horse-battery'
const stale = 'last-years-password'

describeOn('docker', 'a login at a registry', ({ registry: behind = '127.0.0.1:5000' }) => {
  let registry: TokenRegistry
  let world: World
  let home: string
  let digest: string

  beforeAll(async () => {
    registry = await startTokenRegistry(behind)
    world = createWorld(registry.address)
    home = await mkdtemp(join(tmpdir(), 'pop-login-'))
    await makeImage(world.repository, '1.2.0')
    await makeImage(world.repository, '1.1.0')
    const pushed = `${behind}/${world.prefix}/web:1.1.0`
    await docker('tag', `${world.repository}:1.1.0`, pushed)
    await docker('push', '-q', pushed)
    const text = await docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', pushed)
    digest = text.slice(text.indexOf('@') + 1)
    await docker('rmi', '-f', pushed, `${world.repository}:1.1.0`, `${behind}/${world.prefix}/web@${digest}`).catch(
      () => ''
    )
    await world.start('web', '1.2.0')
  })
  beforeEach(() => {
    const passwords = { ada: password, eve: 'nothing-for-eve-1' }
    registry.rules = Object.assign(registry.rules, {
      passwords,
      refreshTokens: ['good-refresh'],
      powerless: ['eve'],
      expired: false,
      limited: false
    })
  })
  afterEach(async () => {
    await docker('rmi', '-f', `${world.repository}@${digest}`).catch(() => '')
  })
  afterAll(async () => {
    await world?.remove()
    registry?.close()
    await rm(home, { recursive: true, force: true })
  })

  const auths = (entry: object) => ({ auths: { [registry.address]: entry } })
  const basic = (user: string, secret: string) => auths({ auth: Buffer.from(`${user}:${secret}`).toString('base64') })
  const open = async (config: object) => {
    await writeFile(join(home, 'config.json'), JSON.stringify(config))
    const mask = createMask()
    const history = [record({ version: '1.1.0', digest })]
    const target = await world.open({ history, mask, env: { DOCKER_CONFIG: home, PATH: `${home}:/bin:/usr/bin` } })
    return { target, mask }
  }
  const file = () => join(home, 'config.json')
  const logIn = () => `DOCKER_CONFIG=${home} docker login ${registry.address}`

  it('that is good pulls the candidate', async () => {
    const { target } = await open(basic('ada', password))
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.blockers).toEqual([])
    const pull = planned.draft.steps.filter(({ kind }) => kind === 'pull_image')
    await carryOut(target, { ...planned, draft: { ...planned.draft, steps: pull } })
    await docker('image', 'inspect', `${world.repository}@${digest}`)
  })

  it.each([
    ['is missing', () => ({}), () => `asks for a login, and ${file()} has none for it`],
    [
      'has a password that is no longer good',
      () => basic('ada', stale),
      () => `refuses the login of ada (${file()}), which is wrong or has expired`
    ],
    [
      'has an identity token that has expired',
      () => auths({ identitytoken: 'expired-refresh' }),
      () => `refuses the login (${file()}), which is wrong or has expired`
    ],
    [
      'may not pull this repository',
      () => basic('eve', 'nothing-for-eve-1'),
      () => `accepts the login of eve (${file()}) but does not let it pull ${world.prefix}/web`
    ]
  ])('that %s: a blocker names the registry, whose login, and the command', async (_, config, says) => {
    const { target, mask } = await open(config())
    const { draft } = await planTo(target, '1.1.0')
    expect(draft.blockers).toMatchObject([{ id: 'image_denied:1.1.0' }])
    const [{ why = '', next = '' } = {}] = draft.blockers
    expect(why).toContain(`the registry ${registry.address} `)
    expect(why).toContain(says())
    expect(next).toContain(logIn())
    expect(mask.text(JSON.stringify(draft))).toBe(JSON.stringify(draft))
    for (const secret of [password, stale, 'expired-refresh', 'nothing-for-eve-1', 'token-'])
      expect(JSON.stringify(draft)).not.toContain(secret)
  })

  it('of a credential helper that has expired: the helper is named', async () => {
    const helper = join(home, 'docker-credential-popkit-test')
    const answer = JSON.stringify({ ServerURL: registry.address, Username: 'ada', Secret: stale })
    await writeFile(helper, `#!/bin/sh\nread server\necho '${answer}'\n`, { mode: 0o755 })
    const { target } = await open({ credHelpers: { [registry.address]: 'popkit-test' } })
    const { draft } = await planTo(target, '1.1.0')
    expect(draft.blockers[0]?.why).toContain('refuses the login of ada (docker-credential-popkit-test)')
  })

  it('whose tokens expire at once is refused, too', async () => {
    registry.rules.expired = true
    const { target } = await open(basic('ada', password))
    expect((await planTo(target, '1.1.0')).draft.blockers).toMatchObject([
      { id: 'image_denied:1.1.0', next: expect.stringContaining(logIn()) }
    ])
  })

  it('that used up its pulls: the blocker says until when', async () => {
    registry.rules.limited = true
    const { target } = await open(basic('ada', password))
    const { draft, observation } = await planTo(target, '1.1.0')
    expect(draft.blockers).toMatchObject([{ id: 'image_rate_limited:1.1.0', next: expect.stringContaining('Wait') }])
    const [{ why = '' } = {}] = draft.blockers
    expect(why).toContain('the login of ada')
    expect(why).toContain('0 of 100 in 6h 0m are left')
    expect(why).toContain('try again in 1m 30s')
    expect(observation.notes.join()).toContain('try again in 1m 30s')
  })

  it('that expires between plan and pull: the pull says the same, and nothing was stopped', async () => {
    const { target } = await open(basic('ada', password))
    const planned = await planTo(target, '1.1.0')
    registry.rules.passwords = {}
    const fault = await carryOut(target, planned).catch((error: unknown) => error)
    expect(fault).toMatchObject({
      code: 'image_denied',
      why: expect.stringContaining(`refuses the login of ada (${file()})`),
      state: 'Nothing was stopped.',
      next: expect.stringContaining(logIn())
    })
    expect((await inspect(`${world.prefix}-web`)).State.Running).toBe(true)
  })

  it('that is refused blocks nothing where the image is on the engine', async () => {
    await makeImage(world.repository, '1.1.0')
    const { target } = await open(basic('ada', stale))
    expect((await planTo(target, '1.1.0')).draft.blockers).toEqual([])
  })
})
