import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { LeaseRecord } from '../../../src/model/lease.ts'
import { docker, makeImage } from '../../../testkit/docker/images.ts'
import { createWorld, signal, type World } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { deadHolder, taking } from '../../harness/lease.ts'

/** Other tests hold leases on the same engine at the same time. */
const own = randomUUID()

const lease = (name: string, holder = { host: 'another-machine', pid: 4711, user: 'ada' }): LeaseRecord => ({
  rollbackId: `${name}-${own}`,
  holder,
  startedAt: '2026-01-01T00:00:00.000Z',
  begun: { steps: [{ id: 'pull' }] }
})

describeOn('docker', 'the lease on an engine', () => {
  let world: World

  beforeAll(async () => {
    world = createWorld()
    await makeImage(world.repository, '1.1.0')
    await world.start('web', '1.1.0')
  })
  afterAll(() => world.remove())

  const leased = async () => {
    const target = await world.open()
    return { target, lease: taking(target) }
  }

  const leaseContainers = async () =>
    (await docker('ps', '-a', '--format', '{{.Names}} {{.Labels}}'))
      .split('\n')
      .filter((line) => line.includes(own))
      .map((line) => line.split(' ')[0])
      .join('\n')

  it('keeps a second one off, names its holder, and is seen by a observation but is no container of the target', async () => {
    const [one, two] = [await leased(), await leased()]
    const held = await one.lease.acquire(lease('rb-1'), 60_000, signal())
    expect(await leaseContainers()).toMatch(/^popkit-lease-web-[0-9a-f]+$/)
    await expect(two.lease.acquire(lease('rb-2'), 60_000, signal())).rejects.toMatchObject({
      code: 'locked',
      why: expect.stringContaining('ada on another-machine')
    })
    const { observation, state } = await two.target.observe(signal())
    expect(observation.lease).toEqual({ record: lease('rb-1'), expired: false })
    expect(state).toMatchObject({ containers: [expect.anything()] })
    await held.renew(signal())
    await held.release(signal())
    await held.release(signal())
    expect((await two.target.observe(signal())).observation.lease).toBeUndefined()
    expect(await leaseContainers()).toBe('')
  })

  it('is taken over when it has expired, and the former holder learns of it', async () => {
    const [one, two] = [await leased(), await leased()]
    const first = await one.lease.acquire(lease('rb-1'), 1500, signal())
    await expect(two.lease.acquire(lease('rb-2'), 60_000, signal())).rejects.toMatchObject({ code: 'locked' })
    await first.renew(signal())
    await wait(2000)
    expect((await two.target.observe(signal())).observation.lease).toMatchObject({ expired: true })
    const second = await two.lease.acquire(lease('rb-2'), 60_000, signal())
    await expect(first.renew(signal())).rejects.toMatchObject({ code: 'lease_lost' })
    await second.release(signal())
  })

  it('is taken at once by the same rollback, which is being resumed, where its holder is known to be dead', async () => {
    const { lease: target } = await leased()
    await target.acquire(lease('rb-1', deadHolder()), 60_000, signal())
    await expect(target.acquire(lease('rb-2'), 60_000, signal())).rejects.toMatchObject({ code: 'locked' })
    const again = await target.acquire(lease('rb-1'), 60_000, signal())
    await again.release(signal())
  })

  it.each([
    ['another machine', { host: 'another-machine', pid: 4711, user: 'ada' }],
    ['a live process', { host: hostname(), pid: process.pid, user: 'ada' }]
  ])('is not taken from %s by the same rollback before it has expired', async (_, holder) => {
    const { lease: target } = await leased()
    const held = await target.acquire(lease('rb-1', holder), 60_000, signal())
    await expect(target.acquire(lease('rb-1'), 60_000, signal())).rejects.toMatchObject({ code: 'locked' })
    await held.release(signal())
  })

  it('says that the new version was proven', async () => {
    const { target, lease: taken } = await leased()
    const held = await taken.acquire(lease('rb-1'), 60_000, signal())
    await held.markProven(signal())
    await held.renew(signal())
    expect((await target.observe(signal())).observation.lease?.record).toEqual({ ...lease('rb-1'), proven: true })
    await held.release(signal())
  })

  it('goes to exactly one of those who ask at once', async () => {
    const asking = await Promise.all(Array.from({ length: 6 }, leased))
    const results = await Promise.allSettled(
      asking.map(({ lease: target }, index) => target.acquire(lease(`rb-${index}`), 60_000, signal()))
    )
    const won = results.filter((result) => result.status === 'fulfilled')
    expect(won).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'locked' })
    await won[0]?.value.release(signal())
  })

  it('that was pruned is taken again, unless another rollback took it', async () => {
    const [one, two] = [await leased(), await leased()]
    const first = await one.lease.acquire(lease('rb-1'), 60_000, signal())
    await docker('rm', await leaseContainers())
    await first.renew(signal())
    await expect(two.lease.acquire(lease('rb-2'), 60_000, signal())).rejects.toMatchObject({ code: 'locked' })
    await docker('rm', await leaseContainers())
    const second = await two.lease.acquire(lease('rb-2'), 60_000, signal())
    await expect(first.renew(signal())).rejects.toMatchObject({ code: 'lease_lost' })
    await second.release(signal())
    expect(await leaseContainers()).toBe('')
  })

  it('that was pruned after it had expired is lost, for somebody may have held it since', async () => {
    const { lease: target } = await leased()
    const held = await target.acquire(lease('rb-1'), 1, signal())
    await docker('rm', await leaseContainers())
    await expect(held.renew(signal())).rejects.toMatchObject({ code: 'lease_lost' })
    expect(await leaseContainers()).toBe('')
  })

  it('of one Compose project does not keep off another of the same image, and lasts while its service is created anew', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'pop-shop-'))
    const compose = (project: string, workingDir: string) =>
      Object.entries({ project, service: 'web', 'project.working_dir': workingDir }).flatMap(([key, value]) => [
        '--label',
        `com.docker.compose.${key}=${value}`
      ])
    const shop = createWorld()
    try {
      await makeImage(shop.repository, '1.1.0')
      await writeFile(
        join(dir, 'compose.yaml'),
        `name: production\nservices: {web: {image: "${shop.repository}:1.1.0"}}`
      )
      const production = await shop.open({ projectDir: dir })
      const held = await production.lease?.acquire(lease('rb-1'), 60_000, signal())
      await shop.start('web', '1.1.0', ...compose('production', dir))
      expect((await production.observe(signal())).observation.lease).toMatchObject({ record: lease('rb-1') })
      await shop.start('staging-web', '1.1.0', ...compose('staging', '/srv/staging'))
      const staging = await shop.open({ projectDir: '/srv/staging' })
      expect((await staging.observe(signal())).observation.lease).toBeUndefined()
      await (await staging.lease?.acquire(lease('rb-2'), 60_000, signal()))?.release(signal())
      await held?.release(signal())
    } finally {
      await shop.remove()
      await rm(dir, { recursive: true })
    }
  })
})
