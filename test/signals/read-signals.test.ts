import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { askSignal, type Compared, patienceOf } from '../../src/signals/read-signals.ts'
import { type Signal, signalsOf } from '../../src/signals/signal-schema.ts'
import { createMask } from '../../src/support/mask.ts'
import { hastyClock } from '../harness/hasty-clock.ts'

const abort = new AbortController().signal
const nothing: Compared = { deployedAt: null, before: null }

async function serverWith(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const firstOf = (written: object): Signal => signalsOf('web', [written])[0] as Signal

async function read(signal: Signal, { compared = nothing, env = {} as NodeJS.ProcessEnv, mask = createMask() } = {}) {
  const context = { env, mask, clock: hastyClock(), known: new Map(), newest: new Map() }
  return askSignal(signal, context, abort)(compared, abort)
}

/** A signal whose store answers every query so. */
const answeredBy = async (listener: RequestListener, more: object = {}) =>
  read(
    firstOf({
      name: 'error rate',
      prometheus: { url: await serverWith(listener), query: 'errors' },
      above: 0.05,
      ...more
    })
  )

/** A series with these values, the newest of them now. */
const series =
  (...values: (string | number)[]): RequestListener =>
  ({ url = '' }, response) => {
    const asked = new URL(url, 'http://store').searchParams
    const [until, step] = [Number(asked.get('end')), Number(asked.get('step'))]
    const at = values.map((value, index) => [until - (values.length - 1 - index) * step, String(value)])
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [{ values: at }] } }))
  }

const answer =
  (body: string, status = 200): RequestListener =>
  (_, response) =>
    void response.writeHead(status).end(body)

const matrix = (result: unknown, more = {}): RequestListener =>
  answer(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result }, ...more }))

const five = <Value extends string | number>(value: Value): Value[] => Array.from({ length: 6 }, () => value)

test('a value over its limit for as long as it must be is bad', async () => {
  expect(await answeredBy(series(...five(0.083)), { for: '5s', unit: 'ratio' })).toMatchObject({
    name: 'error rate',
    state: 'bad',
    shown: '8.3 %',
    message: expect.stringMatching(/^8\.3 % since \d\d:\d\d UTC \(limit 5 %\)$/)
  })
})

test('a value over its limit for a shorter time is no failure yet', async () => {
  expect(await answeredBy(series(0.01, 0.01, 0.083, 0.083, 0.083, 0.083), { for: '5s' })).toMatchObject({
    state: 'pending'
  })
  expect(await answeredBy(series(0.083, 0.083), { for: '5s' })).toMatchObject({ state: 'pending' })
})

test('the newest value decides that a signal is good', async () => {
  expect(await answeredBy(series(0.3, 0.3, 0.3, 0.3, 0.3, 0.02), { for: '5s', unit: 'ratio' })).toEqual({
    name: 'error rate',
    proof: 'unverified',
    state: 'good',
    shown: '2 %',
    message: '2 % (limit 5 %)'
  })
})

test('a value below its limit is bad where less is worse', async () => {
  const below = { above: undefined, below: 10, for: '5s' }
  expect(await answeredBy(series(...five(3)), below)).toMatchObject({ state: 'bad' })
  expect(await answeredBy(series(...five(30)), below)).toMatchObject({ state: 'good' })
})

const unreadable: [what: string, listener: RequestListener, says: RegExp][] = [
  ['HTML', answer('<html><body>Sign in</body></html>'), /does not answer with JSON \("<html>/],
  ['other JSON', answer('{"ok":true}'), /does not answer as Prometheus does/],
  ['deep JSON', answer('['.repeat(5000) + ']'.repeat(5000)), /does not answer with JSON/],
  ['50 MB', answer('x'.repeat(50 * 1024 * 1024)), /the answer is longer than 1 MB/],
  ['NaN', series(...five('NaN')), /it is NaN now: nothing was measured/],
  ['infinity', series(...five('+Inf')), /it is \+Inf now/],
  ['a string for a number', series(...five('much')), /gives "much", which is no number/],
  ['an empty string for a number', series(...five('')), /gives "", which is no number/],
  ['no series', matrix([]), /the query gives no value/],
  ['two series', matrix([{ values: [[1, '1']] }, { values: [[1, '1']] }]), /gives 2 series; make it one/],
  ['an old value', matrix([{ values: [[1_700_000_000, '9']] }]), /it has no value now/],
  [
    'an incomplete answer',
    matrix([{ values: [[1, '9']] }], { warnings: ['one store is down'] }),
    /may be incomplete: "one store is down"/
  ],
  [
    'a wrong query',
    answer('{"status":"error","errorType":"bad_data","error":"1:7: parse error"}', 400),
    /refuses the query: "1:7: parse error"/
  ],
  ['no rights', answer('no', 403), /answers 403/],
  [
    'a redirect',
    (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    /a redirect, which is not followed/
  ],
  ['an early end', ({ socket }) => void socket.destroy(), /does not answer/],
  ['silence', () => undefined, /does not answer within 3s/]
]

test.each(unreadable)('%s is unknown, said clearly, and never bad', async (_, listener, says) => {
  const reading = await answeredBy(listener, { for: '5s' })
  expect(reading).toMatchObject({ state: 'unknown', message: expect.stringMatching(says) })
})

test('a store that is down is unknown', async () => {
  const signal = firstOf({ name: 'errors', prometheus: { url: 'http://127.0.0.1:1', query: 'errors' }, above: 1 })
  expect(await read(signal)).toMatchObject({ state: 'unknown', message: expect.stringContaining('does not answer') })
})

test('terminal sequences of a store do not reach a terminal', async () => {
  const reading = await answeredBy(answer(JSON.stringify({ status: 'error', error: '\u001b[2Jgone\u202e' }), 400))
  expect(reading.message).toContain('"gone"')
})

/** Gives one value while the earlier version served, another one now. */
const thenAndNow =
  (then: number, now: number): RequestListener =>
  (request, response) => {
    const end = Number(new URL(request.url ?? '', 'http://store').searchParams.get('end'))
    series(...five(end * 1000 < Date.now() - 60_000 ? then : now))(request, response)
  }

const yesterday = Date.now() - 86_400_000
const earlier: Compared = {
  deployedAt: null,
  before: { version: '1.1.0', from: yesterday, until: yesterday + 3_600_000 }
}

const latency = async (listener: RequestListener, more: object, compared = earlier) =>
  read(
    firstOf({
      name: 'latency',
      prometheus: { url: await serverWith(listener), query: 'latency' },
      for: '5s',
      unit: 'seconds',
      ...more
    }),
    { compared }
  )

test('worse_than_before compares with the time when the candidate served', async () => {
  const twice = { worse_than_before: 1.5 }
  expect(await latency(thenAndNow(0.2, 0.4), twice)).toMatchObject({
    state: 'bad',
    message: expect.stringMatching(/^400 ms since .* \(limit 300 ms\), 200 ms under 1\.1\.0$/)
  })
  expect(await latency(thenAndNow(0.2, 0.29), twice)).toMatchObject({ state: 'good' })
})

test('worse_than_before and above must both hold', async () => {
  const both = { worse_than_before: 1.5, above: 0.5 }
  expect(await latency(thenAndNow(0.2, 0.4), both)).toMatchObject({ state: 'good' })
  expect(await latency(thenAndNow(0.2, 0.6), both)).toMatchObject({ state: 'bad' })
})

test('worse_than_before is unknown without a time to compare with, and of nothing', async () => {
  const twice = { worse_than_before: 1.5 }
  expect(await latency(thenAndNow(0.2, 9), twice, nothing)).toMatchObject({
    state: 'unknown',
    message: expect.stringContaining('nothing to compare it with')
  })
  expect(await latency(thenAndNow(0, 9), twice)).toMatchObject({
    state: 'unknown',
    message: expect.stringContaining('it was 0 before')
  })
})

test('what was over its limit before the version was deployed is named as older than it', async () => {
  const compared = { ...nothing, deployedAt: Date.now() - 10_000 }
  const signal = async (values: number[]) =>
    read(
      firstOf({
        name: 'errors',
        prometheus: { url: await serverWith(series(...values)), query: 'e' },
        above: 1,
        for: '5s'
      }),
      { compared }
    )
  expect(await signal(Array.from({ length: 60 }, () => 9))).toMatchObject({ state: 'bad', older: true })
  expect(await signal(five(9))).not.toHaveProperty('older')
})

test('a login goes only to a host that the user vouches for', async () => {
  const seen: (string | undefined)[] = []
  const url = await serverWith((request, response) => {
    seen.push(request.headers.authorization)
    series(0)(request, response)
  })
  const signal = firstOf({ name: 'errors', prometheus: { url, query: 'e', bearer_env: 'PROMETHEUS_TOKEN' }, above: 1 })
  const env = { PROMETHEUS_TOKEN: 'token-of-the-user' }
  expect(await read(signal, { env })).toMatchObject({
    state: 'unknown',
    message: expect.stringContaining('POP_ROLLBACK_TRUSTED_HOSTS')
  })
  expect(seen).toEqual([])
  const mask = createMask()
  const trusting = { ...env, POP_ROLLBACK_TRUSTED_HOSTS: new URL(url).host }
  expect(await read(signal, { env: trusting, mask })).toMatchObject({ state: 'good' })
  expect(seen).toContain('Bearer token-of-the-user')
  expect(mask.text('token-of-the-user')).not.toContain('token-of-the-user')
})

test('a basic login is made of two variables, and a missing one is named', async () => {
  let seen: string | undefined
  const url = await serverWith((request, response) => {
    seen = request.headers.authorization
    series(0)(request, response)
  })
  const signal = firstOf({
    name: 'errors',
    prometheus: { url, query: 'e', basic_env: { username: 'PROMETHEUS_USER', password: 'PROMETHEUS_PASSWORD' } },
    above: 1
  })
  const env = { POP_ROLLBACK_TRUSTED_HOSTS: new URL(url).host, PROMETHEUS_USER: 'ada' }
  expect(await read(signal, { env })).toMatchObject({
    state: 'unknown',
    message: expect.stringContaining('PROMETHEUS_PASSWORD')
  })
  await read(signal, { env: { ...env, PROMETHEUS_PASSWORD: 'lovelace-1843' } })
  expect(seen).toBe(`Basic ${Buffer.from('ada:lovelace-1843').toString('base64')}`)
})

const address = async (listener: RequestListener, more = {}) =>
  read(firstOf({ name: 'shop', http: { url: await serverWith(listener), ...more } }))

test('an address that answers badly every time is bad, and one without an answer is unknown', async () => {
  expect(await address(answer('', 503))).toMatchObject({
    state: 'bad',
    message: expect.stringContaining('answers 503')
  })
  expect(await address(answer('', 404), { expect_status: 404 })).toMatchObject({ state: 'good' })
  expect(await address(({ socket }) => void socket.destroy())).toMatchObject({ state: 'unknown' })
})

test.each([
  [{ name: 'a', prometheus: { url: 'http://p', query: 'x' } }, /needs above, below or worse_than_before/],
  [{ name: 'a', prometheus: { url: 'http://ada:secret@p', query: 'x' }, above: 1 }, /holds a login/],
  [{ name: 'a', prometheus: { url: 'ftp://p', query: 'x' }, above: 1 }, /signals\[0\]\.prometheus\.url/],
  [{ name: 'a', prometheus: { url: 'http://p', query: 'x' }, above: 1, for: '2 weeks' }, /is no time such as/],
  [{ name: 'a', prometheus: { url: 'http://p', query: 'x' }, worse_than_before: 1 }, /is not above 1/],
  [
    { name: 'a', prometheus: { url: 'http://p', query: 'x', bearer_env: 'AWS_SECRET_ACCESS_KEY' }, above: 1 },
    /begins with PROMETHEUS_ or POP_SIGNAL_/
  ],
  [{ name: 'a\nb', http: { url: 'http://p' } }, /is no name/]
])('a signal that is not valid is refused by name: %j', (written, says) => {
  expect(() => signalsOf('web', [written])).toThrow(says)
})

test('after a rollback, a signal is waited for as long as its query looks back', () => {
  const query = 'sum(rate(errors[2m])) / sum(rate(all[2m]))'
  expect(
    patienceOf(signalsOf('web', [{ name: 'a', prometheus: { url: 'http://p', query }, above: 1, for: '30s' }]))
  ).toBe(165_000)
  expect(patienceOf(signalsOf('web', [{ name: 'a', http: { url: 'http://p' } }]))).toBe(0)
})

test('a store that keeps a reader waiting is left alone for a while, and one that answers is asked once for each sample', async () => {
  let asked = 0
  const silent = firstOf({
    name: 'slow',
    prometheus: { url: await serverWith(() => void asked++), query: 'e' },
    above: 1
  })
  const context = { env: {}, mask: createMask(), clock: hastyClock(), known: new Map(), newest: new Map() }
  const ask = (signal: Signal) => askSignal(signal, context, abort)(nothing, abort)
  const first = await ask(silent)
  expect(await ask(silent)).toEqual(first)
  expect(asked).toBe(1)
  await context.clock.sleep(10_000)
  await ask(silent)
  expect(asked).toBe(2)
  const answering = firstOf({
    name: 'quick',
    prometheus: {
      url: await serverWith((request, response) => {
        asked++
        series(0)(request, response)
      }),
      query: 'e'
    },
    above: 1,
    for: '2m'
  })
  for (let times = 0; times < 5; times++) expect(await ask(answering)).toMatchObject({ state: 'good' })
  expect(asked).toBe(3)
  await context.clock.sleep(6000)
  await ask(answering)
  expect(asked).toBe(4)
})
