import { expect, it } from 'vitest'
import { proxyRisks } from '../../../../../src/targets/docker/containers/check/proxies.ts'
import { containerSchema, containerSummarySchema } from '../../../../../src/targets/docker/objects/schemas.ts'

const web = (endpoint: object = {}) =>
  containerSchema.parse({
    Id: 'web',
    Name: '/web',
    Created: '2026-01-01T00:00:00Z',
    Image: 'sha256:0',
    State: { Status: 'running', Running: true },
    Config: { Image: 'web:1.2.0' },
    HostConfig: { NetworkMode: 'front' },
    NetworkSettings: { Networks: { front: endpoint } }
  })

const other = (name: string, Image: string, more: object = {}) =>
  containerSummarySchema.parse({
    Id: name,
    Names: [`/${name}`],
    Image,
    ImageID: 'sha256:1',
    State: 'running',
    Command: 'run',
    NetworkSettings: { Networks: { front: {} } },
    ...more
  })

it.each([
  ['nginx by its image', other('edge', 'library/nginx:1.27'), 'docker exec edge nginx -s reload'],
  ['nginx by its command', other('edge', 'own/edge:1', { Command: '/nginx -c /a' }), 'docker kill -s HUP edge'],
  ['HAProxy', other('edge', 'haproxy:3.0'), 'docker kill -s HUP edge']
])('%s on the network of what is replaced is named, with what reloads it', (_, proxy, reload) => {
  const [risk] = proxyRisks([web()], [proxy])
  expect(risk).toMatchObject({ id: 'proxy:edge', detail: expect.stringContaining(reload) })
})

it.each([
  ['asks anew by itself', web(), other('edge', 'traefik:3')],
  ['is on another network', web(), other('edge', 'nginx', { NetworkSettings: { Networks: { back: {} } } })],
  ['does not run', web(), other('edge', 'nginx', { State: 'exited' })],
  ['is in front of a fixed address', web({ IPAMConfig: { IPv4Address: '10.0.0.9' } }), other('edge', 'nginx')]
])('a proxy that %s is not', (_, container, proxy) => {
  expect(proxyRisks([container], [proxy])).toEqual([])
})
