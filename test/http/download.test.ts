import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Download, tryDownload } from '../../src/http/download.ts'
import { tryFiles } from '../../src/http/try-files.ts'
import { systemClock } from '../../src/support/clock.ts'
import { createMask } from '../../src/support/mask.ts'
import { type Answer, type FakeServer, fakeServer } from '../fakes/fake-server.ts'

const content = 'the bytes of a file'

describe('a download that is tried', () => {
  let server: FakeServer
  let slept: number[]
  beforeEach(async () => {
    server = await fakeServer(() => ({ status: 200, body: content }))
    slept = []
  })
  afterEach(() => server.stop())

  const attempt = (more: Partial<Download> = {}) =>
    tryDownload({
      url: `${server.url}/file`,
      env: {},
      mask: createMask(),
      clock: { ...systemClock, now: () => new Date('2026-03-01T00:00:00Z'), sleep: async (ms) => void slept.push(ms) },
      signal: AbortSignal.timeout(20_000),
      ...more
    })
  const answers = (...given: (Answer | 'hang up')[]) => server.fault(() => given.shift())

  test('is tried again after a broken connection and after a server error', async () => {
    answers('hang up', { status: 502 })
    expect(await attempt()).toMatchObject({ state: 'there' })
    expect(server.asked).toHaveLength(3)
    expect(slept).toHaveLength(2)
  })

  test('is tried again when it breaks half way, and then read whole', async () => {
    answers({ status: 200, headers: { 'content-length': '99' }, body: 'the by' })
    const sha256 = createHash('sha256').update(content).digest('hex')
    expect(await attempt({ hashUpTo: 1000 })).toEqual({ state: 'there', size: content.length, sha256 })
  })

  test('is given up after some tries, with the last reason', async () => {
    server.fault(() => ({ status: 503 }))
    expect(await attempt()).toEqual({ state: 'unknown', detail: expect.stringMatching(/answered 503/) })
    expect(server.asked).toHaveLength(4)
  })

  test('is not tried again when the other side says what is so', async () => {
    answers({ status: 404 })
    expect(await attempt()).toMatchObject({ state: 'gone' })
    answers({ status: 403, body: 'no rights' })
    expect(await attempt()).toMatchObject({ state: 'unknown' })
    expect(server.asked).toHaveLength(2)
  })

  test.each([
    [429, { 'retry-after': '7' }, '', 7000],
    [403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1772323205' }, '', 5000],
    [403, {}, '{"message":"You have exceeded a secondary rate limit."}', 60_000]
  ])('waits for a limit (%d, %j)', async (status, headers, body, ms) => {
    answers({ status, headers: headers as Record<string, string>, body })
    expect(await attempt()).toMatchObject({ state: 'there' })
    expect(slept).toEqual([ms])
  })

  test('does not wait for a limit that lasts long, and the other files are not asked for', async () => {
    server.fault(() => ({ status: 429, headers: { 'retry-after': '3600' } }))
    const files = Array.from({ length: 50 }, (_, at) => ({ name: `f${at}`, size: null, sha256: null }))
    const { unknown, tried } = await tryFiles(files, () => attempt(), { verify: false, most: 50 })
    expect(unknown).toHaveLength(50)
    expect(tried).toBeLessThan(10)
    expect(server.asked.length).toBeLessThan(10)
    expect(slept).toEqual([])
  })

  test('ends at once when it is aborted', async () => {
    const controller = new AbortController()
    server.fault(() => {
      controller.abort(new Error('enough'))
      return 'hang up'
    })
    await expect(attempt({ signal: controller.signal })).rejects.toThrow('enough')
  })
})
