import { beforeAll, expect, it, vi } from 'vitest'
import { docker, makeImage } from '../../../testkit/docker/images.ts'
import { carryOut, inspect, planTo, takeBack } from '../../../testkit/docker/world.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useWorld } from '../../harness/use-world.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const bad = {
  changes: ['ENV ONLY_BAD=1', 'LABEL channel=bad', 'WORKDIR /www', 'VOLUME /data', 'EXPOSE 9999']
}

describeOn('docker', 'the replacement of a container', () => {
  const world = useWorld()
  let good: string

  beforeAll(async () => {
    good = await makeImage(world.repository, '1.1.0', {
      changes: ['ENV ONLY_GOOD=1', 'LABEL channel=good', 'VOLUME /fresh']
    })
    await makeImage(world.repository, '1.2.0', bad)
    await docker('network', 'create', '--subnet', '10.213.77.0/24', `${world.prefix}-front`)
    await docker('network', 'create', `${world.prefix}-back`)
  })

  const goBack = async () => {
    const target = await world.open()
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.blockers).toEqual([])
    await carryOut(target, planned)
    return inspect(`${world.prefix}-web`)
  }

  it('has everything that the user set', async () => {
    await world.start(
      'web',
      '1.2.0',
      '--restart',
      'on-failure:3',
      '--memory',
      '64m',
      '--cpus',
      '0.5',
      '--pids-limit',
      '100',
      '--log-driver',
      'json-file',
      '--log-opt',
      'max-size=1m',
      '--cap-drop',
      'NET_RAW',
      '--cap-add',
      'SYS_TIME',
      '--tmpfs',
      '/scratch:size=1m',
      '--init',
      '--hostname',
      'shop',
      '--domainname',
      'example.org',
      '--stop-signal',
      'SIGTERM',
      '--stop-timeout',
      '7',
      '--add-host',
      'db:10.0.0.9',
      '--dns',
      '9.9.9.9',
      '--dns-search',
      'example.org',
      '--sysctl',
      'net.core.somaxconn=256',
      '--ulimit',
      'nofile=1000:2000',
      '--security-opt',
      'no-new-privileges',
      '--device',
      '/dev/null:/dev/nothing',
      '--read-only',
      '--tmpfs',
      '/tmp',
      '--shm-size',
      '8m',
      '--user',
      '0:0',
      '--label',
      'team=shop',
      '--label',
      'channel=mine',
      '-e',
      'COLOUR=blue',
      '-e',
      'VERSION=pinned',
      '--workdir',
      '/tmp',
      '--entrypoint',
      '/bin/sh',
      '--health-interval',
      '400ms',
      '-p',
      '127.0.0.1::8080',
      '--expose',
      '7000',
      '-v',
      `${world.prefix}-named:/named:ro`,
      '--',
      '-c',
      'exec /serve'
    )
    const before = await inspect(`${world.prefix}-web`)
    const after = await goBack()
    expect(after.Image).toBe(good)
    const { Binds: bindsBefore, ...hostBefore } = before.HostConfig
    const { Binds: bindsAfter, ...hostAfter } = after.HostConfig
    expect(hostAfter).toEqual(hostBefore)
    expect(bindsAfter).toEqual(expect.arrayContaining(bindsBefore))
    for (const key of [
      'Hostname',
      'Domainname',
      'User',
      'WorkingDir',
      'Cmd',
      'Entrypoint',
      'StopSignal',
      'StopTimeout',
      'Tty'
    ])
      expect([key, after.Config[key]]).toEqual([key, before.Config[key]])
    expect(after.Config.Healthcheck).toMatchObject({ Interval: 400_000_000, Retries: 2 })
    expect(after.Config.Labels).toMatchObject({
      team: 'shop',
      channel: 'mine',
      'org.opencontainers.image.version': '1.1.0'
    })
    expect(after.Config.Env).toEqual(expect.arrayContaining(['COLOUR=blue', 'VERSION=pinned', 'ONLY_GOOD=1']))
    expect(Object.keys(after.Config.ExposedPorts).sort()).toEqual(['7000/tcp', '8080/tcp'])
  })

  it('has nothing that only the failed image set', async () => {
    await world.start('web', '1.2.0')
    const after = await goBack()
    expect(after.Config.Env.join()).not.toContain('ONLY_BAD')
    expect(after.Config.Env).toEqual(expect.arrayContaining(['VERSION=1.1.0', 'ONLY_GOOD=1']))
    expect(after.Config.Labels.channel).toBe('good')
    expect(after.Config).toMatchObject({ WorkingDir: '', Cmd: ['/serve'] })
    expect(Object.keys(after.Config.ExposedPorts)).toEqual(['8080/tcp'])
    expect(after.Config.Hostname).toBe(after.Id.slice(0, 12))
  })

  it('keeps the data of anonymous volumes, however they were made', async () => {
    await world.start('web', '1.2.0', '-v', '/mine', '--mount', 'type=volume,dst=/other')
    for (const path of ['/data', '/mine', '/other'])
      await docker('exec', `${world.prefix}-web`, 'sh', '-c', `echo ${path} >${path}/file`)
    const before = await inspect(`${world.prefix}-web`)
    await goBack()
    for (const path of ['/data', '/mine', '/other'])
      expect(await docker('exec', `${world.prefix}-web`, 'cat', `${path}/file`)).toBe(path)
    const volumes = before.Mounts.map(({ Name }: { Name: string }) => Name)
    await docker('rm', '-f', `${world.prefix}-web`)
    await docker('volume', 'rm', ...volumes)
  })

  it('that failed takes only its own fresh volumes with it', async () => {
    await world.start('web', '1.2.0')
    await docker('exec', `${world.prefix}-web`, 'sh', '-c', 'echo kept >/data/file')
    const target = await world.open()
    const planned = await planTo(target, '1.1.0')
    await carryOut(target, planned, { cleanup: false })
    const fresh = (await inspect(`${world.prefix}-web`)).Mounts.find(
      ({ Destination }: { Destination: string }) => Destination === '/fresh'
    )
    await takeBack(target, planned)
    expect(await docker('exec', `${world.prefix}-web`, 'cat', '/data/file')).toBe('kept')
    await expect(docker('volume', 'inspect', fresh.Name)).rejects.toThrow(/no such volume/i)
  })

  it('has the mounts whose paths the user wrote with a slash at the end', async () => {
    const [data, extra] = [`${world.prefix}-slash`, `${world.prefix}-mounted`]
    const options = ['-v', `${data}:/data/`, '--mount', `type=volume,source=${extra},target=/extra/`, '-v', '/cache/']
    await world.start('web', '1.2.0', ...options)
    const before = await inspect(`${world.prefix}-web`)
    await docker('exec', `${world.prefix}-web`, 'sh', '-c', 'echo kept >/data/file')
    const after = await goBack()
    expect(await docker('exec', `${world.prefix}-web`, 'cat', '/data/file')).toBe('kept')
    const volumeAt = (container: typeof before, path: string) =>
      container.Mounts.find(({ Destination }: { Destination: string }) => Destination === path)?.Name
    for (const path of ['/data', '/extra', '/cache']) expect(volumeAt(after, path)).toBe(volumeAt(before, path))
  })

  it('joins the same networks with the same aliases, the short id that proxies hold, and fixed addresses', async () => {
    const before = await world.start(
      'web',
      '1.2.0',
      '--network',
      `${world.prefix}-front`,
      '--ip',
      '10.213.77.9',
      '--network-alias',
      'shop'
    )
    await docker(
      'network',
      'connect',
      '--alias',
      'shop-back',
      '--alias',
      'api',
      '--driver-opt',
      'org.example.rank=7',
      `${world.prefix}-back`,
      `${world.prefix}-web`
    )
    const after = await goBack()
    const { [`${world.prefix}-front`]: front, [`${world.prefix}-back`]: back } = after.NetworkSettings.Networks
    expect(front).toMatchObject({ IPAddress: '10.213.77.9', IPAMConfig: { IPv4Address: '10.213.77.9' } })
    // Engines until API version 1.44 list the container's own short id among its aliases.
    const given = (endpoint: { Aliases: string[] }) => endpoint.Aliases.filter((alias) => !after.Id.startsWith(alias))
    expect(given(front)).toEqual(['shop', before.slice(0, 12)])
    expect(back.DriverOpts).toEqual({ 'org.example.rank': '7' })
    expect(given(back)).toEqual(['shop-back', 'api', before.slice(0, 12)])
    const answer = await docker(
      'run',
      '--rm',
      '--label',
      `world=${world.prefix}`,
      '--network',
      `${world.prefix}-back`,
      `${world.repository}:1.1.0`,
      'wget',
      '-q',
      '-O',
      '-',
      'http://api:8080/'
    )
    expect(answer).toBe('1.1.0')
  })

  it('has a hardware address of its own, unless the user fixed one', async () => {
    await world.start('web', '1.2.0', '--network', `${world.prefix}-back`)
    const target = await world.open()
    const planned = await planTo(target, '1.1.0')
    await target.apply(planned.draft.steps[0] ?? expect.fail('no step'), testRun())
    const created = (await world.names()).find((name) => name.includes('popkit-new')) ?? ''
    expect((await inspect(created)).Config.MacAddress ?? '').toBe('')
    await world.clear()
    await world.create('web', { Image: `${world.repository}:1.2.0`, MacAddress: '02:42:0a:d5:4d:63' })
    const after = await goBack()
    expect(after.NetworkSettings.Networks.bridge.MacAddress).toBe('02:42:0a:d5:4d:63')
  })

  it('uses the network of another container where the old one did', async () => {
    await docker(
      'run',
      '-d',
      '--name',
      `${world.prefix}-base`,
      '--label',
      `world=${world.prefix}`,
      '--entrypoint',
      '/serve',
      good
    )
    const target = await world.open({ config: { containers: [`${world.prefix}-web`] } })
    await world.start(
      'web',
      '1.2.0',
      '--network',
      `container:${world.prefix}-base`,
      '--no-healthcheck',
      '--',
      'sleep',
      '1000'
    )
    await carryOut(target, await planTo(target, '1.1.0'))
    const after = await inspect(`${world.prefix}-web`)
    expect(after).toMatchObject({ Image: good, State: { Running: true } })
    expect(after.HostConfig.NetworkMode).toBe(`container:${(await inspect(`${world.prefix}-base`)).Id}`)
  })

  it('keeps a cleared entrypoint and a switched off health check', async () => {
    await world.start('web', '1.2.0', '--entrypoint', '', '--no-healthcheck', '--', '/serve')
    const after = await goBack()
    expect(after.Config).toMatchObject({ Cmd: ['/serve'], Healthcheck: { Test: ['NONE'] } })
    expect(after.State.Health).toBeUndefined()
  })
})
