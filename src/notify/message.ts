import type { NotifySetting } from '../model/notify.ts'
import type { Outcome } from '../model/outcome.ts'
import { duration, oneLine } from '../support/text.ts'

/** What is told of a rollback; each message tells all of it, so that the newest one is enough. */
export interface RollbackNews {
  event: 'begun' | 'ended' | 'interrupted'
  rollbackId: string
  target: string
  from: string | null
  to: string
  /** ISO 8601 UTC. */
  at: string
  /** How it ended; null before. */
  outcome: Outcome | null
  durationMs: number | null
  /** What serves now, or what went wrong. */
  state: string
}

const words: Record<Outcome, string> = {
  succeeded: 'succeeded',
  undone: 'FAILED and was undone: what served before serves again',
  stuck: 'is STUCK: a person must act',
  manual: 'waits for a manual step',
  cancelled: 'was cancelled',
  unverified: 'is done but UNVERIFIED',
  checked: 'was checked',
  refused: 'was refused'
}

/** The message in words. Everything that comes from outside is one line, and short. */
export function textOf({ event, rollbackId, target, from, to, at, outcome, durationMs, state }: RollbackNews): string {
  const what = `Rollback of ${oneLine(target, 64)} from ${oneLine(from ?? 'nothing', 80)} to ${oneLine(to, 80)}`
  const how =
    event === 'begun'
      ? `began at ${at.slice(11, 16)} UTC`
      : event === 'interrupted'
        ? 'ended with a fault: assess it to finish or undo it'
        : `${outcome ? words[outcome] : 'ended'}${durationMs === null ? '' : ` after ${duration(durationMs)}`}`
  return [`${what} ${how}.`, ...(state ? [oneLine(state, 500)] : []), `(${rollbackId})`].join(' ')
}

/** The body of the request, in a format. */
export const bodyOf = (news: RollbackNews, format: NotifySetting['webhook']['format']): string =>
  JSON.stringify(format === 'slack' ? slackMessage(textOf(news)) : facts(news))

/** docs.slack.dev/messaging/formatting-message-text: these three are escaped; without mrkdwn nothing else means anything. */
const slackMessage = (text: string) => ({
  text: text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  mrkdwn: false,
  unfurl_links: false,
  unfurl_media: false
})

const facts = (news: RollbackNews) => ({
  event: news.event,
  rollback_id: news.rollbackId,
  target: news.target,
  from: news.from,
  to: news.to,
  at: news.at,
  outcome: news.outcome,
  duration_ms: news.durationMs,
  state: oneLine(news.state, 500),
  text: textOf(news)
})
