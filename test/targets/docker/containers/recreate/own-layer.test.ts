import { describe, expect, it } from 'vitest'
import { mountOfBind } from '../../../../../src/targets/docker/containers/recreate/binds.ts'
import { ownPaths } from '../../../../../src/targets/docker/containers/recreate/own-layer.ts'
import { containerSchema } from '../../../../../src/targets/docker/objects/schemas.ts'

const container = containerSchema.parse({
  Id: 'a'.repeat(64),
  Name: '/web',
  Created: '2026-01-01T00:00:00Z',
  Image: 'sha256:1',
  State: { Status: 'running', Running: true },
  Config: { Image: 'web' },
  HostConfig: { Tmpfs: { '/scratch': '' } },
  NetworkSettings: {},
  Mounts: [{ Type: 'bind', Destination: '/etc/app.conf' }]
})

describe('ownPaths', () => {
  it('names files and copied secrets, and neither noise, folders, deletions, nor what a mount covers', () => {
    const added = ['/app', '/app/orders.sqlite', '/app/web.log', '/tmp/x', '/run', '/run/secrets', '/run/secrets/db']
    const changes = [...added, '/run/web.pid', '/scratch', '/etc/app.conf', '/etc/hosts', '/lib/__pycache__/a.pyc']
    expect(
      ownPaths(container, [...changes.map((Path) => ({ Path, Kind: 1 })), { Path: '/app/gone', Kind: 2 }])
    ).toEqual(['/app/orders.sqlite', '/run/secrets/db'])
  })
})

describe('mountOfBind', () => {
  it('gives a bind as a mount with all that it says', () => {
    expect(mountOfBind('/srv/a:/a:ro,rshared')).toEqual({
      Type: 'bind',
      Source: '/srv/a',
      Target: '/a',
      ReadOnly: true,
      BindOptions: { Propagation: 'rshared' }
    })
  })

  it.each(['data:/data', '/srv/a:/a:z', '/srv/a:/a:ro,Z'])('leaves %s as it is', (bind) => {
    expect(mountOfBind(bind)).toBeNull()
  })
})
