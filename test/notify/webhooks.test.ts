import { expect, test } from 'vitest'
import { openNotifier } from '../../src/notify/webhooks.ts'
import { createMask } from '../../src/support/mask.ts'
import { webhookSink as sink } from '../harness/webhook-sink.ts'

const beginning = { rollbackId: 'rb-1', target: 'web', from: '1.2.0', to: '1.1.0', at: '2026-03-18T14:35:00.000Z' }
const ending = { at: beginning.at, outcome: 'succeeded' as const, durationMs: 1000, state: '1.1.0 serves.' }
const setting = (variable = 'HOOK', format: 'slack' | 'json' = 'json') => ({ webhook: { url_env: variable, format } })

const notifier = (settings: Parameters<typeof openNotifier>[0], env: NodeJS.ProcessEnv, mask = createMask()) =>
  openNotifier(settings, { env, mask, log: () => undefined })

test('beginning and end arrive in this order, in each format, and nothing is left to say', async () => {
  const [slack, json] = [await sink(), await sink()]
  const telling = notifier([setting('A', 'slack'), setting('B')], { A: slack.url, B: json.url })
  telling.begun(beginning)
  expect(await telling.ended(ending)).toEqual([])
  expect(slack.bodies.map(({ text }) => text)).toEqual([
    expect.stringContaining('began at 14:35 UTC'),
    expect.stringContaining('succeeded after 1s. 1.1.0 serves. (rb-1)')
  ])
  expect(json.bodies).toMatchObject([{ event: 'begun' }, { event: 'ended', outcome: 'succeeded', rollback_id: 'rb-1' }])
  expect(json.requests[0]).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/json' } })
})

test('an end without a beginning is told to nobody', async () => {
  const { url, bodies } = await sink()
  expect(await notifier([setting()], { HOOK: url }).ended(ending)).toEqual([])
  expect(bodies).toEqual([])
})

test.each([
  [404, 'HOOK was not told of the rollback: it answered 404.'],
  [302, 'HOOK was not told of the rollback: it answered 302.'],
  [500, 'HOOK was not told of the rollback: it answered 500.']
])('an address that answers %i is named once, and not followed', async (status, line) => {
  const { url, requests } = await sink(() => status)
  const telling = notifier([setting()], { HOOK: url })
  telling.begun(beginning)
  expect(await telling.ended(ending)).toEqual([line])
  expect(requests).toHaveLength(2)
})

test('an address that never answers is given up, and one that is not there says so without its secret', async () => {
  const silent = await sink(() => null)
  const gone = 'http://127.0.0.1:1/services/T000/B000/zebra-orange-42'
  const telling = notifier([setting('A'), setting('B')], { A: silent.url, B: gone })
  telling.begun(beginning)
  const lines = (await telling.ended(ending)).join('\n')
  expect(lines).toContain('B was not told of the rollback')
  expect(lines).not.toContain('zebra')
})

test('the address is a secret, and what is secret does not reach it', async () => {
  const { url, bodies } = await sink()
  const mask = createMask()
  const telling = notifier([setting()], { HOOK: url }, mask)
  for (const shown of [url, new URL(url).pathname]) expect(mask.text(`posted to ${shown}`)).not.toContain('zebra')
  mask.add('correct-horse-battery')
  telling.begun(beginning)
  await telling.ended({ ...ending, state: 'password correct-horse-battery refused' })
  expect(JSON.stringify(bodies)).not.toContain('correct-horse')
})

test.each([
  [undefined, 'is not set'],
  ['', 'is not set'],
  ['ghp_0123456789abcdefghij', 'holds no http address'],
  ['file:///etc/passwd', 'holds no http address'],
  ['https://user:pass@example.com/x', 'holds no http address']
])('a variable that holds %s tells nobody, and a note says so', async (value, why) => {
  const telling = notifier([setting()], { HOOK: value })
  expect(telling.notes).toEqual([expect.stringContaining(why)])
  expect(telling.notes.join()).not.toMatch(/ghp_|passwd|pass@/)
  telling.begun(beginning)
  expect(await telling.ended(ending)).toEqual([])
})

test('a variable that holds something else hides nothing in what is shown', () => {
  const mask = createMask()
  notifier([setting('HOME')], { HOME: '/home/deploy' }, mask)
  expect(mask.text('cd /home/deploy')).toBe('cd /home/deploy')
})

test('an address under which a cloud gives credentials is not asked', async () => {
  const telling = notifier([setting()], { HOOK: 'http://169.254.169.254/latest' })
  telling.begun(beginning)
  expect((await telling.ended(ending)).join()).toContain('HOOK was not told')
})
