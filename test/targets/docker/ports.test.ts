import { beforeAll, describe, expect, it, vi } from 'vitest'
import { hostToAsk, statusOf, type Viewpoint } from '../../../src/targets/docker/containers/check/published-ports.ts'
import { besideBefore, silentPortsLabel } from '../../../src/targets/docker/containers/check/silent-ports.ts'
import { makeImage } from '../../../testkit/docker/images.ts'
import { carryOut, inspect, planTo, signal } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useWorld } from '../../harness/use-world.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'the check of a published port', () => {
  const world = useWorld()

  beforeAll(async () => {
    await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
  })

  const checksAfter = async (...options: string[]) => {
    await world.start('web', '1.2.0', ...options)
    const target = await world.open()
    const planned = await planTo(target, '1.1.0')
    await carryOut(target, planned)
    const { checks } = await target.check(planned.release, { signal: signal() })
    const { Ports: ports } = (await inspect(`${world.prefix}-web`)).NetworkSettings
    return { ports, checks: checks.filter(({ id }) => id.startsWith('port:')) }
  }

  it('asks a port that the engine has chosen, once for all addresses, and no UDP port', async () => {
    const { ports, checks } = await checksAfter('-p', '8080', '-p', '5353/udp')
    const chosen = ports['8080/tcp'][0].HostPort
    expect(checks).toMatchObject([{ id: `port:${world.prefix}-web:${chosen}`, status: 'pass' }])
  })

  it('passes where nothing listened before either and the service is healthy', async () => {
    const { ports, checks } = await checksAfter('-p', '127.0.0.1::8080', '-p', '127.0.0.1::9999')
    const { HostPort: dead } = ports['9999/tcp'][0]
    expect(checks.map(({ status }) => status).sort()).toEqual(['pass', 'pass'])
    const silent = checks.find(({ id }) => id === `port:${world.prefix}-web:${dead}`)
    expect(silent?.detail).toContain('it did not answer before the rollback either')
  })
})

describe('a published port without a listener', () => {
  const silent = { status: 'fail', detail: 'nothing listens' } as const
  const reached = { reached: true, healthy: true }
  const healthy = { reached: false, healthy: true }
  const nothing = { reached: false, healthy: false }

  it.each([
    ['answered before', '9229/tcp', reached, 'fail'],
    ['did not answer before, of a healthy service', '8080/tcp,9999/tcp', healthy, 'pass'],
    ['did not answer before, of a service of which nothing is known', '9999/tcp', nothing, 'unknown'],
    ['belongs to a service that was down and is reached now', 'down', reached, 'pass'],
    ['belongs to a service that was down and is only healthy now', 'down', healthy, 'unknown'],
    ['belongs to a service that was down, without any proof', 'down', nothing, 'fail'],
    ['belongs to a container that no rollback made', undefined, reached, 'fail']
  ] as const)('that %s counts as it should', (_, before, otherwise, status) => {
    const labels: Record<string, string> = before === undefined ? {} : { [silentPortsLabel]: before }
    expect(besideBefore(silent, '9999/tcp', labels, otherwise).status).toBe(status)
  })
})

describe('a published port of an engine', () => {
  const here: Viewpoint = { publishedHost: 'localhost', here: true, contained: false }
  const remote: Viewpoint = { publishedHost: 'engine.example', here: false, contained: false }
  const contained: Viewpoint = { publishedHost: 'localhost', here: false, contained: true }
  const virtual: Viewpoint = { publishedHost: 'localhost', here: false, contained: false }

  it.each([
    ['at every address of this machine', here, '', 'localhost'],
    ['at loopback of this machine', here, '127.0.0.1', '127.0.0.1'],
    ['at every address of another machine', remote, '', 'engine.example'],
    ['at loopback of another machine', remote, '127.0.0.1', null],
    ['at one address of another machine', remote, '10.0.0.5', '10.0.0.5'],
    ['seen from within a container', contained, '', null],
    ['of a virtual machine that passes ports on', virtual, '', 'localhost']
  ])('%s is asked where it can be', (_, view, ip, host) => {
    expect(hostToAsk({ port: 80, ip }, view)).toBe(host)
  })

  it.each([
    ['on this machine and is silent', here, 'localhost', 'silent', 'fail'],
    ['elsewhere and closes at once', remote, 'engine.example', 'closed', 'fail'],
    ['elsewhere and refuses', remote, 'engine.example', 'refused', 'fail'],
    ['elsewhere and is silent, as behind a firewall', remote, 'engine.example', 'silent', 'unknown'],
    ['behind a socket of a virtual machine and refuses', virtual, 'localhost', 'refused', 'unknown']
  ] as const)('that is %s counts as it should', (_, view, host, reason, status) => {
    expect(statusOf({ ok: false, detail: '', reason }, host, view)).toBe(status)
  })
})
