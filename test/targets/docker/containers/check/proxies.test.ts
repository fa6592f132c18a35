import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { proxyRisks } from '../../../../../src/targets/docker/containers/check/proxies.ts'
import { askProxy, judgeProxy } from '../../../../../src/targets/docker/containers/check/proxy-answers.ts'
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

it.each([
  ['Apache', other('edge', 'httpd:2.4'), 'docker kill -s USR1 edge'],
  ['Varnish', other('edge', 'varnish:7.6'), 'docker exec edge varnishreload'],
  [
    'nginx by the label of the image it was built on',
    other('edge', 'own/edge:1', { Labels: { maintainer: 'NGINX Docker Maintainers <docker-maint@nginx.com>' } }),
    'docker exec edge nginx -s reload'
  ]
])('%s is named, with what reloads it', (_, proxy, reload) => {
  expect(proxyRisks([web()], [proxy])).toMatchObject([{ detail: expect.stringContaining(reload) }])
})

it.each([
  ['Caddy', other('edge', 'caddy:2')],
  ['Envoy', other('edge', 'envoyproxy/envoy:v1.32')],
  ['a web server of busybox', other('edge', 'busybox', { Command: 'httpd -f' })],
  ['an exporter', other('edge', 'nginx/nginx-prometheus-exporter:1')],
  ['nginx-proxy', other('edge', 'nginxproxy/nginx-proxy:1.6')],
  ['what reads the socket', other('edge', 'own/nginx', { Mounts: [{ Source: '/var/run/docker.sock' }] })],
  ['what docker-gen reloads', other('edge', 'nginx', { Labels: { 'com.github.nginx-proxy.nginx': '' } })]
])('%s resolves anew, or reloads itself, and is not named', (_, proxy) => {
  expect(proxyRisks([web()], [proxy])).toEqual([])
})

const reload = 'docker exec edge nginx -s reload'

it.each([
  ['answers', '200', undefined, 'pass', ''],
  ['is bad', '502', undefined, 'unknown', reload],
  [
    'is bad and was good',
    '502',
    '200',
    'unknown',
    `answered 200 before the rollback. It may keep the old address. Run: ${reload}`
  ],
  ['hangs', 'hangs', '200', 'unknown', reload],
  ['is lost', 'none', '200', 'unknown', 'answered 200 before'],
  [
    'is bad as before',
    '502',
    '502',
    'unknown',
    `answered 502 before the rollback too. If it keeps an old address, run: ${reload}`
  ],
  ['is bad as before for a cause elsewhere', '503', '503!', 'pass', 'answered 503 before the rollback too'],
  ['is bad in another way than before', '502', '503!', 'unknown', reload],
  ['hangs as before for a cause elsewhere', 'hangs', 'hangs!', 'pass', 'did not answer before the rollback too'],
  ['answers late and bad where it did not in time before', '502', 'hangs!', 'pass', 'did not answer before'],
  ['is good again', '200', '502', 'pass', '']
])('a proxy that %s is judged beside before', (_, said, before, status, detail) => {
  expect(judgeProxy({ said, detail: '' }, before, reload)).toEqual({ status, detail: expect.stringContaining(detail) })
})

it('a published port of a proxy that is no HTTP is not judged', () => {
  expect(judgeProxy({ said: 'none', detail: '' }, 'none', reload)).toBeNull()
})

it('a proxy that does not answer in time hangs', async () => {
  const server = createServer(() => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const asked = await askProxy({}, `http://127.0.0.1:${port}/`, 100, new AbortController().signal)
  expect(asked).toEqual({ said: 'hangs', detail: expect.stringContaining('does not answer within') })
})
