import { describe, expect, it } from 'vitest'
import { kamalBlockers } from '../../../../../src/targets/docker/containers/plan/kamal.ts'
import { ownNamesAsked } from '../../../../../src/targets/docker/containers/plan/own-names.ts'
import { containerSchema } from '../../../../../src/targets/docker/objects/schemas.ts'

const id = 'a1b2c3d4e5f6'.padEnd(64, '0')

const container = (Name: string, Config: object = {}) =>
  containerSchema.parse({
    Id: id,
    Name,
    Created: '2026-01-01T00:00:00Z',
    Image: 'sha256:0',
    State: { Status: 'running', Running: true },
    Config: { Image: 'shop:1.2.0', ...Config },
    HostConfig: {},
    NetworkSettings: { Networks: { front: { Aliases: ['shop', id.slice(0, 12)] } } }
  })

describe('a container that Kamal runs', () => {
  it.each([
    [
      'without a destination',
      'shop-web-1.2.0',
      { service: 'shop', role: 'web', destination: '' },
      'kamal rollback 1.1.0'
    ],
    [
      'at a destination',
      'shop-web-staging-1.2.0',
      { service: 'shop', role: 'web', destination: 'staging' },
      'kamal rollback 1.1.0 -d staging'
    ]
  ])('%s is left to Kamal, with its command', (_, name, Labels, command) => {
    expect(kamalBlockers([container(name, { Labels })], '1.1.0')).toMatchObject([{ next: `Run: ${command}` }])
  })

  it('is not one whose labels only look like it', () => {
    expect(kamalBlockers([container('web', { Labels: { service: 'shop', role: 'web' } })], '1.1.0')).toEqual([])
    const other = { service: 'shop', role: 'web', destination: '' }
    expect(kamalBlockers([container('other', { Labels: other })], '1.1.0')).toEqual([])
  })
})

describe('a health check', () => {
  it.each([
    ['asks its own alias', ['CMD-SHELL', 'wget -q http://shop:8080/up || exit 1'], ['shop']],
    ['asks a name from a variable', ['CMD', 'curl', 'http://user@$HOST/'], ['shop']],
    ['asks its short id', ['CMD', 'nc', '-z', id.slice(0, 12), '80'], [id.slice(0, 12)]],
    ['asks itself, by a path with that name', ['CMD', 'curl', 'http://localhost/shop'], []],
    ['asks another service', ['CMD', 'curl', 'http://shop.example/'], []]
  ])('that %s is known', (_, Test, names) => {
    expect(ownNamesAsked(container('web-1', { Env: ['HOST=shop'] }), { Test })).toEqual(names)
  })

  it('may ask the host name of the container, which always leads to itself', () => {
    const own = container('web-1', { Hostname: 'shop' })
    expect(ownNamesAsked(own, { Test: ['CMD', 'curl', 'http://shop/'] })).toEqual([])
  })
})
