import { describe, expect, it } from 'vitest'
import { mergedConfig, userConfigOf } from '../../../../../src/targets/docker/containers/recreate/configuration.ts'
import { anonymousVolumes, hostConfigFor } from '../../../../../src/targets/docker/containers/recreate/host.ts'
import { endpointsFor, successorEndpoints } from '../../../../../src/targets/docker/containers/recreate/networks.ts'
import { containerSchema } from '../../../../../src/targets/docker/objects/schemas.ts'

const id = 'a1b2c3d4e5f6'.padEnd(64, '0')

const container = (parts: { Config?: object; HostConfig?: object; Networks?: object; Mounts?: object[] }) =>
  containerSchema.parse({
    Id: id,
    Name: '/web',
    Created: '2026-01-01T00:00:00Z',
    Image: 'sha256:0',
    State: { Status: 'running', Running: true },
    Config: { Image: 'web:1.2.0', ...parts.Config },
    HostConfig: parts.HostConfig ?? {},
    NetworkSettings: { Networks: parts.Networks ?? {} },
    Mounts: parts.Mounts ?? []
  })

const image = {
  Env: ['PATH=/bin', 'VERSION=1.2.0'],
  Cmd: ['serve'],
  Entrypoint: ['/entry'],
  User: 'app',
  WorkingDir: '/srv',
  StopSignal: 'SIGQUIT',
  Labels: { a: '1' },
  Healthcheck: { Test: ['CMD', 'check'], Interval: 1e9, Retries: 3 }
}

describe('what the user set on a container', () => {
  it('is nothing where everything is as the image has it', () => {
    const { Env, Labels, ExposedPorts, Volumes, ...rest } = userConfigOf(container({ Config: image }), image)
    expect([Env, Labels, ExposedPorts, Volumes]).toEqual([[], {}, {}, {}])
    expect(JSON.parse(JSON.stringify(rest))).toEqual({})
  })

  it('is the command with its entrypoint when the entrypoint was replaced, for the image then gives none', () => {
    const user = userConfigOf(container({ Config: { ...image, Entrypoint: ['/bin/sh'], Cmd: ['serve'] } }), image)
    expect(user).toMatchObject({ Entrypoint: ['/bin/sh'], Cmd: ['serve'] })
    expect(mergedConfig(user, { ...image, Cmd: ['other'] })).toMatchObject({ Entrypoint: ['/bin/sh'], Cmd: ['serve'] })
  })

  it('is an entrypoint named anew when the command of the image is gone with it', () => {
    expect(userConfigOf(container({ Config: { ...image, Cmd: [] } }), image)).toMatchObject({
      Entrypoint: ['/entry'],
      Cmd: []
    })
  })

  it('is a cleared entrypoint, said as the engine takes it', () => {
    const user = userConfigOf(container({ Config: { ...image, Entrypoint: null, Cmd: ['own'] } }), image)
    expect(user).toMatchObject({ Entrypoint: [''], Cmd: ['own'] })
    expect(mergedConfig(user, image)).toMatchObject({ Entrypoint: [], Cmd: ['own'] })
  })

  it('is only the field of a health check that differs', () => {
    const user = userConfigOf(
      container({ Config: { ...image, Healthcheck: { ...image.Healthcheck, Interval: 5e9 } } }),
      image
    )
    expect(user.Healthcheck).toEqual({ Interval: 5e9 })
    expect(
      mergedConfig(user, { Healthcheck: { Test: ['CMD', 'new'], Interval: 9e9, Retries: 7 } }).Healthcheck
    ).toEqual({ Test: ['CMD', 'new'], Interval: 5e9, Retries: 7 })
  })

  it('is not the host name that the engine gave', () => {
    expect(userConfigOf(container({ Config: { Hostname: id.slice(0, 12) } }), {})).not.toHaveProperty('Hostname')
    expect(userConfigOf(container({ Config: { Hostname: 'shop' } }), {})).toMatchObject({ Hostname: 'shop' })
  })

  it('keeps a published port that the image exposes, too', () => {
    const published = container({
      Config: { ExposedPorts: { '80/tcp': {}, '90/tcp': {} } },
      HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } }
    })
    expect(userConfigOf(published, { ExposedPorts: { '80/tcp': {}, '90/tcp': {} } }).ExposedPorts).toEqual({
      '80/tcp': {}
    })
  })
})

describe('the host configuration of a replacement', () => {
  const mounts = [
    { Type: 'volume', Name: 'f'.repeat(64), Destination: '/data', RW: true },
    { Type: 'volume', Name: 'named', Destination: '/named', RW: true },
    { Type: 'volume', Name: 'e'.repeat(64), Destination: '/other', RW: true }
  ]
  const old = container({
    HostConfig: { Binds: ['named:/named'], Mounts: [{ Type: 'volume', Target: '/other' }], Links: ['/db:/web/store'] },
    Mounts: mounts
  })

  it('attaches anonymous volumes again, by their names', () => {
    expect(anonymousVolumes(old).map(({ Destination }) => Destination)).toEqual(['/data'])
    expect(hostConfigFor(old)).toMatchObject({
      Binds: ['named:/named', `${'f'.repeat(64)}:/data`],
      Mounts: [{ Type: 'volume', Target: '/other', Source: 'e'.repeat(64) }]
    })
  })

  it('says links as the engine takes them', () => {
    expect(hostConfigFor(old).Links).toEqual(['db:store'])
  })
})

describe('the networks of a replacement', () => {
  const networks = {
    front: {
      Aliases: ['shop', id.slice(0, 12)],
      IPAMConfig: { IPv4Address: '10.0.0.9' },
      MacAddress: '02:42:ac:11:00:02',
      IPAddress: '10.0.0.9'
    }
  }

  it('have the aliases without the old id, the fixed address, and no hardware address that was generated', () => {
    expect(endpointsFor(container({ HostConfig: { NetworkMode: 'front' }, Networks: networks }))).toEqual({
      front: { Aliases: ['shop'], IPAMConfig: { IPv4Address: '10.0.0.9' } }
    })
  })

  it('have the old short id as an alias, and those that it took over, but for the default network', () => {
    const former = { Aliases: ['shop', 'aaaaaaaaaaaa', id.slice(0, 12)] }
    const old = container({ HostConfig: { NetworkMode: 'front' }, Networks: { front: former, bridge: {} } })
    expect(successorEndpoints(old)).toEqual({
      front: { Aliases: ['shop', 'aaaaaaaaaaaa', id.slice(0, 12)] },
      bridge: {}
    })
    expect(endpointsFor(old).front).toEqual({ Aliases: ['shop'] })
  })

  it('have the hardware address that the user set', () => {
    const old = container({
      Config: { MacAddress: '02:00:00:00:00:01' },
      HostConfig: { NetworkMode: 'front' },
      Networks: networks
    })
    expect(endpointsFor(old).front).toMatchObject({ MacAddress: '02:00:00:00:00:01' })
  })

  it('are none on the network of the host or of another container', () => {
    for (const NetworkMode of ['host', 'none', `container:${id}`])
      expect(endpointsFor(container({ HostConfig: { NetworkMode }, Networks: networks }))).toEqual({})
  })
})
