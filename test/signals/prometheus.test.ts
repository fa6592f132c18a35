import { afterAll, beforeAll, expect, it } from 'vitest'
import { askSignal } from '../../src/signals/read-signals.ts'
import { signalsOf } from '../../src/signals/signal-schema.ts'
import { systemClock } from '../../src/support/clock.ts'
import { createMask } from '../../src/support/mask.ts'
import { until } from '../../testkit/docker/world.ts'
import { type Exporter, errorRateQuery, startExporter } from '../../testkit/prometheus/exporter.ts'
import { type Prometheus, startPrometheus } from '../../testkit/prometheus/start-prometheus.ts'
import { describeOn } from '../harness/describe-on.ts'

describeOn('prometheus', 'a signal of a real Prometheus', ({ program = '' }) => {
  let exporter: Exporter
  let store: Prometheus
  const abort = new AbortController().signal

  beforeAll(async () => {
    exporter = await startExporter()
    store = await startPrometheus(program, { scrape: exporter.address })
    await until('an error rate', async () => (await store.value(errorRateQuery())) === 0)
  })

  afterAll(async () => {
    await store.stop()
    await exporter.close()
  })

  async function read(query: string, { url = store.url, login = {}, env = {} as NodeJS.ProcessEnv } = {}) {
    const [signal] = signalsOf('web', [
      { name: 'error rate', prometheus: { url, query, ...login }, above: 0.05, for: '2s', unit: 'ratio' }
    ])
    if (!signal) throw new Error('no signal')
    const context = { env, mask: createMask(), clock: systemClock, known: new Map(), newest: new Map() }
    return askSignal(signal, context, abort)({ deployedAt: null, before: null }, abort)
  }

  it('is good, then pending, then bad, then good again, as the error rate goes', async () => {
    expect(await read(errorRateQuery())).toMatchObject({ state: 'good', message: '0 % (limit 5 %)' })
    const seen: string[] = []
    const follow = (state: string) =>
      until(state, async () => {
        const reading = await read(errorRateQuery())
        if (seen.at(-1) !== reading.state) seen.push(reading.state)
        return reading.state === state && reading
      })
    exporter.errorRate(0.2)
    const bad = await follow('bad')
    expect(Date.parse(bad.since ?? '')).toBeGreaterThan(Date.now() - 15_000)
    exporter.errorRate(0)
    await follow('good')
    expect(seen.filter((state) => state !== 'good')).toEqual(['pending', 'bad'])
  })

  it.each([
    ['a parse error', 'sum(rate(', /refuses the query: ".*parse error/],
    ['a range of values', 'http_requests_total[5m]', /refuses the query/],
    ['a text', '"much"', /refuses the query: ".*string/],
    ['several series', 'http_requests_total', /gives 2 series; make it one, with sum\(\) or max\(\)/],
    ['no series', 'no_such_metric', /the query gives no value/],
    ['nothing by nothing', '0 * up / (0 * up)', /it is NaN now: nothing was measured/]
  ])('is unknown for %s, and says why', async (_, query, says) => {
    expect(await read(query)).toMatchObject({ state: 'unknown', message: expect.stringMatching(says) })
  })

  it('takes a scalar', async () => {
    expect(await read('vector(0.01)')).toMatchObject({ state: 'good' })
    expect(await read('0.2')).toMatchObject({ state: 'bad' })
  })

  it('is unknown once the application is no longer scraped', async () => {
    exporter.silent(true)
    const reading = await until('unknown', async () => {
      const now = await read('sum(http_requests_total)')
      return now.state === 'unknown' && now
    })
    exporter.silent(false)
    expect(reading.message).toMatch(/no value/)
  })

  it('needs a login where the store asks for one, and sends it only where the host is vouched for', async () => {
    const users = { ada: '$2b$04$.PJV98I7Kl.x537uKtKYKexXeJwlaAmrZA/T7znbGzrNrEChcu1O2' }
    const closed = await startPrometheus(program, { scrape: exporter.address, users })
    try {
      const { url } = closed
      const login = { basic_env: { username: 'PROMETHEUS_USER', password: 'PROMETHEUS_PASSWORD' } }
      const env = { PROMETHEUS_USER: 'ada', PROMETHEUS_PASSWORD: 'lovelace-1843' }
      const trusting = { ...env, POP_ROLLBACK_TRUSTED_HOSTS: new URL(url).host }
      expect(await read('vector(0)', { url })).toMatchObject({
        state: 'unknown',
        message: expect.stringContaining('answers 401')
      })
      expect((await read('vector(0)', { url, login, env })).message).toContain('No request was sent')
      expect(await read('vector(0)', { url, login, env: trusting })).toMatchObject({ state: 'good' })
      const wrong = { ...trusting, PROMETHEUS_PASSWORD: 'byron-1815' }
      expect(await read('vector(0)', { url, login, env: wrong })).toMatchObject({ state: 'unknown' })
    } finally {
      await closed.stop()
    }
  })
})
