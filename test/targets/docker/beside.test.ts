import { beforeAll, expect, it, vi } from 'vitest'
import { docker, makeImage } from '../../../testkit/docker/images.ts'
import { carryOut, inspect, isHealthy, planTo, signal, takeBack, until } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useWorld } from '../../harness/use-world.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'a container without ports and shared mounts', () => {
  const world = useWorld()
  let network: string

  beforeAll(async () => {
    network = `${world.prefix}-net`
    await docker('network', 'create', network)
    await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0')
    await makeImage(world.repository, '1.3.0', { mode: 'unhealthy' })
  })

  const start = async (version: string, ...more: string[]): Promise<string> => {
    const id = await world.start(
      'web',
      version,
      '--network',
      network,
      '--network-alias',
      'shop',
      '-e',
      'COLOUR=blue',
      ...more
    )
    await isHealthy(`${world.prefix}-web`)
    return id
  }

  it('is replaced without a gap: a client of its alias that asks again when refused, as proxies do, is always answered', async () => {
    const old = await start('1.2.0')
    const client = `${world.prefix}-client`
    const loop =
      'ask() { for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do wget -q -O - http://shop:8080/ && return; done; echo FAILED; }; while :; do ask; sleep 0.05; done'
    await docker(
      'run',
      '-d',
      '--name',
      client,
      '--network',
      network,
      '--no-healthcheck',
      '--entrypoint',
      'sh',
      `${world.repository}:1.1.0`,
      '-c',
      loop
    )
    const target = await world.open({ config: { containers: [`${world.prefix}-web`] } })
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.steps.map(({ kind }) => kind)).toEqual([
      'create_container',
      'start_beside',
      'take_over',
      'remove_container'
    ])
    expect(planned.draft.notes.join('\n')).toContain('becomes healthy beside it before it stops')
    await carryOut(target, planned)
    const web = await inspect(`${world.prefix}-web`)
    expect(web.NetworkSettings.Networks[network].Aliases).toEqual(['shop', old.slice(0, 12), web.Id.slice(0, 12)])
    expect(web).toMatchObject({ State: { Health: { Status: 'healthy' } } })
    const answers = await until('the client to meet the new version', async () => {
      const lines = (await docker('logs', client)).split('\n')
      return lines.at(-1) === '1.1.0' ? lines : null
    })
    expect(new Set(answers)).toEqual(new Set(['1.2.0', '1.1.0']))
  })

  it('is replaced although the configured probe fails as long as the broken version has the traffic', async () => {
    await start('1.2.0')
    const target = await world.open({ config: { health_timeout_seconds: 20, probe: { tcp: '127.0.0.1:1' } } })
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.steps.map(({ kind }) => kind)).toContain('start_beside')
    await carryOut(target, planned)
    const web = await inspect(`${world.prefix}-web`)
    expect(web).toMatchObject({ Config: { Image: `${world.repository}:1.1.0` }, State: { Running: true } })
  })

  it('keeps the replacement when the old one was removed meanwhile and it is to be brought back', async () => {
    await start('1.2.0')
    const target = await world.open()
    const planned = await planTo(target, '1.1.0')
    await carryOut(target, planned, { cleanup: false })
    await docker('rm', ...(await world.names()).filter((name) => name.includes('-popkit-old-')))
    await expect(takeBack(target, planned)).rejects.toMatchObject({ code: 'changed_meanwhile' })
    const web = await inspect(`${world.prefix}-web`)
    expect(web).toMatchObject({ Config: { Image: `${world.repository}:1.1.0` }, State: { Running: true } })
  })

  it('never stops for a replacement that does not become healthy', async () => {
    const id = await start('1.2.0')
    const startedAt = (await inspect(id)).State.StartedAt
    const target = await world.open({ config: { health_timeout_seconds: 2 } })
    const planned = await planTo(target, '1.3.0')
    await expect(carryOut(target, planned)).rejects.toMatchObject({ code: 'not_healthy' })
    await takeBack(target, planned)
    expect((await inspect(`${world.prefix}-web`)).State.StartedAt).toBe(startedAt)
    expect(await world.names()).toEqual([`${world.prefix}-web`])
  })

  it('is brought back after the replacement had taken over', async () => {
    const id = await start('1.2.0')
    const target = await world.open()
    const planned = await planTo(target, '1.1.0')
    await carryOut(target, planned, { cleanup: false })
    await takeBack(target, planned)
    expect(await inspect(`${world.prefix}-web`)).toMatchObject({ Id: id, State: { Running: true } })
    expect(await world.names()).toEqual([`${world.prefix}-web`])
    expect((await target.observe(signal())).observation.current).toMatchObject({ version: '1.2.0' })
  })

  it.each([
    ['a host port', ['-p', '127.0.0.1::8080'], 'the same host port'],
    ['a writable mount', ['-v', '/tmp:/shared'], 'could write to what is mounted at /shared'],
    ['a variable of nginx-proxy', ['-e', 'VIRTUAL_HOST=shop.example'], 'would send it traffic before it is healthy'],
    ['a label of caddy-docker-proxy', ['--label', 'caddy=shop.example'], 'would send it traffic before it is healthy'],
    [
      'a health check of its own name',
      ['--health-cmd', 'wget -q -O - http://$APP:8080/', '-e', 'APP=shop'],
      'its health check asks "shop"'
    ],
    ['no health check', ['--no-healthcheck'], 'it has no health check to say when the new one is ready']
  ])('stops first when it has %s, and the plan says so', async (_, options, why) => {
    await world.start('web', '1.2.0', '--network', network, '--network-alias', 'shop', ...options)
    const target = await world.open()
    const { draft } = await planTo(target, '1.1.0')
    expect(draft.steps.map(({ kind }) => kind)).toContain('swap_container')
    expect(draft.notes.join('\n')).toContain(why)
  })
})
