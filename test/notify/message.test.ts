import { expect, test } from 'vitest'
import { bodyOf, type RollbackNews, textOf } from '../../src/notify/message.ts'

const begun: RollbackNews = {
  event: 'begun',
  rollbackId: 'rb-20260318-143500-web-abc123',
  target: 'web',
  from: '1.2.0',
  to: '1.1.0',
  at: '2026-03-18T14:35:00.000Z',
  outcome: null,
  durationMs: null,
  state: ''
}

test('each message names the rollback whole, so that the newest one is enough', () => {
  expect(textOf(begun)).toBe('Rollback of web from 1.2.0 to 1.1.0 began at 14:35 UTC. (rb-20260318-143500-web-abc123)')
  const ended: RollbackNews = {
    ...begun,
    event: 'ended',
    durationMs: 25_000,
    outcome: 'succeeded',
    state: '1.1.0 serves.'
  }
  expect(textOf(ended)).toBe(
    'Rollback of web from 1.2.0 to 1.1.0 succeeded after 25s. 1.1.0 serves. (rb-20260318-143500-web-abc123)'
  )
  expect(textOf({ ...ended, outcome: 'stuck' })).toContain('is STUCK: a person must act')
  expect(textOf({ ...ended, outcome: 'undone' })).toContain('FAILED and was undone')
})

test('a hostile name neither mentions anybody in Slack, nor makes a link, a line or a long text of its own', () => {
  const hostile = { ...begun, from: '<!channel> & <https://evil.example|fix>\n\u202eNew line', state: 'x'.repeat(9000) }
  const { text, ...rest } = JSON.parse(bodyOf(hostile, 'slack'))
  expect(text).toContain('from &lt;!channel&gt; &amp; &lt;https://evil.example|fix&gt; New line to 1.1.0')
  expect(text).not.toMatch(/[<>\n\u202e]/)
  expect(text.length).toBeLessThan(1000)
  expect(rest).toEqual({ mrkdwn: false, unfurl_links: false, unfurl_media: false })
})

test('the other format is the facts, and the same words', () => {
  expect(JSON.parse(bodyOf(begun, 'json'))).toEqual({
    event: 'begun',
    rollback_id: begun.rollbackId,
    target: 'web',
    from: '1.2.0',
    to: '1.1.0',
    at: begun.at,
    outcome: null,
    duration_ms: null,
    state: '',
    text: textOf(begun)
  })
})
