import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createEngine } from '../../../../src/targets/docker/engine/client.ts'
import { connect, type EngineChoice } from '../../../../src/targets/docker/engine/connect.ts'
import { makeImage } from '../../../../testkit/docker/images.ts'
import {
  carryOut,
  createWorld,
  inspect,
  isUnhealthy,
  planTo,
  signal,
  type World
} from '../../../../testkit/docker/world.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { createRemoteEngine, type RemoteEngine } from './remote-engine.ts'

describeOn('docker', 'where the engine is', () => {
  let remote: RemoteEngine
  let world: World
  let home: string
  const usual = process.env.DOCKER_HOST

  beforeAll(async () => {
    remote = await createRemoteEngine()
    home = await mkdtemp(join(tmpdir(), 'pop-home-'))
    process.env.DOCKER_HOST = remote.unix
    world = createWorld('registry.invalid:5000')
    await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
  })
  afterEach(() => world?.clear())
  afterAll(async () => {
    await world?.remove()
    if (usual === undefined) delete process.env.DOCKER_HOST
    else process.env.DOCKER_HOST = usual
    await remote?.remove()
    await rm(home, { recursive: true, force: true })
  })

  /** Ssh logs in only where the environment names the host. */
  const overSsh = (path = remote.sshPath) => ({
    PATH: path,
    POP_ROLLBACK_TRUSTED_HOSTS: `${new URL(remote.ssh).host},127.0.0.1:1`
  })
  const tlsEnv = () => ({ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: remote.certificates })

  /** Takes a broken container back by the way that is given, and asks the engine itself what runs. */
  const rollsBack = async (config: Record<string, unknown>, env: NodeJS.ProcessEnv): Promise<void> => {
    await world.start('web', '1.2.0', '--network', 'none')
    await isUnhealthy(`${world.prefix}-web`)
    const target = await world.open({ config, env })
    const planned = await planTo(target, '1.1.0')
    await carryOut(target, planned)
    const { checks } = await target.check(planned.release, { signal: signal() })
    expect(checks.filter(({ status }) => status !== 'pass')).toEqual([])
    const web = await inspect(`${world.prefix}-web`)
    expect(web.Config.Labels['org.opencontainers.image.version']).toBe('1.1.0')
    expect(web.State.Health.Status).toBe('healthy')
    expect(await world.names()).toEqual([`${world.prefix}-web`])
  }

  it('a rollback on an engine behind another socket, named in deploy.json', () => rollsBack({ host: remote.unix }, {}))

  it('a rollback on an engine over TCP with TLS, as the environment says', () =>
    rollsBack({}, { DOCKER_HOST: remote.tcp, ...tlsEnv() }))

  it('a rollback on an engine over ssh', () => rollsBack({ host: remote.ssh }, overSsh()))

  it('a rollback on the engine of a Docker context with TLS', async () => {
    await makeContext('far-away', remote.tcp)
    await rollsBack({ docker_context: 'far-away' }, { DOCKER_CONFIG: home })
  })

  it('a port published at the loopback of its machine cannot be asked from here, unless a probe says how', async () => {
    await world.start('web', '1.2.0', '-p', '127.0.0.1::8080')
    const port = (await inspect(`${world.prefix}-web`)).NetworkSettings.Ports['8080/tcp'][0].HostPort
    await world.clear()
    await world.start('web', '1.2.0', '-p', `127.0.0.1:${port}:8080`)
    const target = await world.open({ config: { host: remote.ssh }, env: overSsh() })
    const planned = await planTo(target, '1.1.0')
    await carryOut(target, planned)
    const { checks } = await target.check(planned.release, { signal: signal() })
    expect(checks.filter(({ status }) => status !== 'pass')).toMatchObject([
      { id: `port:${world.prefix}-web:${port}`, status: 'unknown', detail: expect.stringContaining('probe') }
    ])
    const config = { host: remote.ssh, probe: { http: `http://127.0.0.1:${port}/health` } }
    const probing = await world.open({ config, env: overSsh() })
    const probed = (await probing.check(planned.release, { signal: signal() })).checks
    expect(probed.filter(({ status }) => status !== 'pass')).toEqual([])
    expect(probed.map(({ id }) => id)).not.toContain(`port:${world.prefix}-web:${port}`)
  })

  it('a lease on the engine is seen over every way to it', async () => {
    await world.start('web', '1.2.0', '--network', 'none')
    const here = await world.open({ config: { host: remote.unix } })
    const there = await world.open({ config: { host: remote.ssh }, env: overSsh() })
    const holder = { host: 'elsewhere', pid: 1, user: 'ann' }
    const record = { rollbackId: 'rb-20260318-143500-docker', holder, startedAt: '2026-03-18T14:35:00.000Z', begun: {} }
    const held = await here.lease?.acquire(record, 60_000, signal())
    await there.observe(signal())
    const second = there.lease?.acquire({ ...record, rollbackId: 'rb-20260318-143501-docker' }, 60_000, signal())
    await expect(second).rejects.toMatchObject({ code: 'locked' })
    await held?.release(signal())
  })

  it('an engine over ssh is asked many things at once, and its ssh server drops none', async () => {
    const engine = createEngine(await connect({ host: remote.ssh }, overSsh()))
    const ask = () => engine.ping(signal(), 120_000)
    expect(await Promise.all(Array.from({ length: 25 }, ask))).toHaveLength(25)
    engine.close()
  })

  const nameOf = async (choice: EngineChoice, env: NodeJS.ProcessEnv): Promise<string> => {
    const transport = await connect(choice, env)
    transport.close()
    return transport.address
  }

  it('the engine is chosen as the docker command chooses it', async () => {
    const config = { DOCKER_CONFIG: home }
    await makeContext('one', 'tcp://one.example:2376')
    await makeContext('two', 'tcp://two.example:2376')
    expect(await nameOf({}, config)).toBe('unix:///var/run/docker.sock')
    await writeFile(join(home, 'config.json'), JSON.stringify({ currentContext: 'one' }))
    expect(await nameOf({}, config)).toBe('tcp://one.example:2376')
    expect(await nameOf({}, { ...config, DOCKER_CONTEXT: 'two' })).toBe('tcp://two.example:2376')
    expect(await nameOf({}, { ...config, DOCKER_CONTEXT: 'two', DOCKER_HOST: 'tcp://h:1' })).toBe('tcp://h:1')
    expect(await nameOf({ context: 'one' }, { ...config, DOCKER_HOST: 'tcp://h:1' })).toBe('tcp://one.example:2376')
    expect(await nameOf({ host: 'tcp://c:1', context: 'one' }, config)).toBe('tcp://c:1')
    await rm(join(home, 'config.json'))
  })

  it('an address or a context that cannot be is a fault of configuration', async () => {
    const hosts = ['nonsense', 'unix://', 'ssh://ann:secret@host', 'ssh://-oProxyCommand=x', 'ssh://h/;rm', 'ftp://h']
    for (const host of hosts) {
      const fault = await connect({ host }, {}).catch((error: unknown) => error)
      expect({ host, fault }).toMatchObject({ fault: { fault: 'config' } })
      expect(String(fault)).not.toContain('secret')
    }
    await expect(connect({ context: 'absent' }, { DOCKER_CONFIG: home })).rejects.toMatchObject({
      code: 'no_docker_context'
    })
  })

  it('a named pipe of Windows is refused in words of its own, from an address and from a context', async () => {
    const refused = {
      fault: 'config',
      what: expect.stringContaining('named pipe'),
      next: expect.stringContaining('WSL')
    }
    await expect(connect({ host: 'npipe:////./pipe/docker_engine' }, {})).rejects.toMatchObject(refused)
    await makeContext('windows', 'npipe:////./pipe/dockerDesktopLinuxEngine')
    await expect(connect({ context: 'windows' }, { DOCKER_CONFIG: home })).rejects.toMatchObject(refused)
  })

  const failureOf = async (host: string, env: NodeJS.ProcessEnv): Promise<unknown> => {
    const engine = createEngine(await connect({ host }, env))
    return engine
      .apiVersion(AbortSignal.timeout(30_000))
      .then(
        () => 'it answered',
        (error: unknown) => error
      )
      .finally(() => engine.close())
  }

  it('what goes wrong over ssh is said, each in its own words', async () => {
    const stranger = await remote.sshPathWith('UserKnownHostsFile=/dev/null')
    expect(await failureOf(remote.ssh, overSsh(stranger))).toMatchObject({ why: expect.stringContaining('host key') })
    const refused = await remote.sshPathWith('IdentityFile=DIR/other_key')
    expect(await failureOf(remote.ssh, overSsh(refused))).toMatchObject({
      why: expect.stringContaining('refused the login')
    })
    const nobody = 'ssh://root@127.0.0.1:1'
    expect(await failureOf(nobody, overSsh())).toMatchObject({
      why: expect.stringContaining('no ssh server')
    })
    expect(await failureOf(remote.ssh, overSsh('/nonexistent'))).toMatchObject({
      why: expect.stringContaining('no ssh program')
    })
    const elsewhere = remote.ssh.replace('engine.sock', 'absent.sock')
    expect(await failureOf(elsewhere, overSsh())).toMatchObject({ code: 'engine_unreachable' })
  })

  it('an engine that does not know the client’s certificate refuses it', async () => {
    expect(await failureOf(remote.tcp, {})).toMatchObject({ code: 'engine_unreachable' })
    const nothing = await mkdtemp(join(tmpdir(), 'pop-no-certs-'))
    const env = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: nothing }
    expect(await failureOf(remote.tcp, env)).toMatchObject({ code: 'engine_unreachable' })
    await rm(nothing, { recursive: true })
  })

  async function makeContext(name: string, host: string): Promise<void> {
    const id = createHash('sha256').update(name).digest('hex')
    await mkdir(join(home, 'contexts/meta', id), { recursive: true })
    const meta = { Name: name, Metadata: {}, Endpoints: { docker: { Host: host, SkipTLSVerify: false } } }
    await writeFile(join(home, 'contexts/meta', id, 'meta.json'), JSON.stringify(meta))
    await cp(remote.certificates, join(home, 'contexts/tls', id, 'docker'), { recursive: true })
  }
})
