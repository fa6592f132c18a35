import type { DeploymentRecord } from '../model/deployment-record.ts'
import type { TimelineEvent } from '../model/diagnosis.ts'
import { utcInstant } from '../project/timestamp.ts'
import { quoted } from '../support/text.ts'
import type { Incident } from './incident.ts'

export interface TimelineLine {
  /** ISO 8601 UTC; null when the source gives no usable time. */
  at: string | null
  text: string
  sources: string[]
  /** How often it happened, and when last. */
  times: number
  until: string | null
}

const mostLines = 120
const mostRecords = 12
const fewTimes = 3

/**
 * Merges what history, the target and the journal say into one timeline, oldest first. The same event of two sources is one line
 * with both named; one that happened again and again is one line with a count. Of very many the middle is left out.
 */
export function timelineOf(
  incident: Pick<
    Incident,
    'history' | 'diagnosis' | 'events' | 'health' | 'signals' | 'rollback' | 'from' | 'to' | 'parts'
  >
): {
  lines: TimelineLine[]
  leftOut: number
} {
  const parts = incident.parts?.map((part) => ({ ...part, prefix: `${part.target}: ` }))
  const events = [
    ...(parts ?? [{ ...incident, prefix: '' }]).flatMap(({ prefix, ...part }) =>
      [...historyEvents(part), ...healthEvent(part), ...signalEvents(part)].map((one) => ({
        ...one,
        text: `${prefix}${one.text}`
      }))
    ),
    ...(incident.diagnosis?.events ?? []),
    ...incident.events
  ]
  const lines = counted(merged(events))
  const leftOut = Math.max(0, lines.length - mostLines)
  const half = mostLines / 2
  return { lines: leftOut ? [...lines.slice(0, half), ...lines.slice(-half)] : lines, leftOut }
}

function merged(events: readonly TimelineEvent[]): TimelineLine[] {
  const byIdentity = new Map<string, TimelineLine>()
  for (const { at, text, source } of events) {
    const instant = utcInstant(at)
    const identity = JSON.stringify([instant?.slice(0, 19) ?? null, text])
    const known = byIdentity.get(identity)
    if (!known) byIdentity.set(identity, { at: instant, text, sources: [source], times: 1, until: null })
    else if (!known.sources.includes(source)) known.sources.push(source)
  }
  return [...byIdentity.values()].sort((a, b) => compare(a.at, b.at))
}

/** Those without a time come last, in the order given. */
function compare(a: string | null, b: string | null): number {
  if (a === b) return 0
  if (a === null || b === null) return a === null ? 1 : -1
  return a < b ? -1 : 1
}

/** What happened more often than `fewTimes` (a crash loop, for example) becomes one line, at its first time. */
function counted(lines: TimelineLine[]): TimelineLine[] {
  const groups = new Map<string, TimelineLine[]>()
  for (const line of lines) {
    const kind = JSON.stringify([line.text, line.sources])
    const group = groups.get(kind)
    if (group) group.push(line)
    else groups.set(kind, [line])
  }
  const often = [...groups.values()].filter((group) => group.length > fewTimes)
  for (const group of often) Object.assign(group[0] ?? {}, { times: group.length, until: group.at(-1)?.at ?? null })
  const dropped = new Set(often.flatMap((group) => group.slice(1)))
  return lines.filter((line) => !dropped.has(line))
}

/** From the last deployment of the good release on; without this rollback's own record, which the journal has in detail. */
function historyEvents({ history, from, to, rollback, events }: Parameters<typeof timelineOf>[0]): TimelineEvent[] {
  const sorted = history
    .filter(({ rollbackId }) => !(rollback && rollbackId === rollback.id && events.length > 0))
    .sort((a, b) => compare(a.at, b.at))
  const good = sorted.findLastIndex(({ version, status }) => version === to?.version && status === 'success')
  const bad = sorted.findIndex(({ version }) => version === from?.version)
  const first = good >= 0 ? good : Math.max(bad, 0)
  return sorted
    .slice(first)
    .slice(-mostRecords)
    .map((record) => ({ at: record.at, text: wordsOf(record), source: 'history' }))
}

function wordsOf({ version, status, error, rollbackTo }: DeploymentRecord): string {
  const because = error ? `: ${quoted(error)}` : ''
  if (status === 'success') return `Deployment of ${version} succeeded`
  if (status === 'failed') return `Deployment of ${version} failed${because}`
  if (status === 'rolled_back') return `${version} was rolled back${rollbackTo ? ` to ${rollbackTo}` : ''}${because}`
  return `Deployment of ${version}: ${status}${because}`
}

const healthEvent = ({ health }: Pick<Incident, 'health'>): TimelineEvent[] =>
  health?.since
    ? [{ at: health.since, text: `Health turned ${health.state}: ${health.message}`, source: 'health' }]
    : []

/** When each signal went over its limit, how far, and when it came back. */
const signalEvents = ({ signals = [] }: Pick<Incident, 'signals'>): TimelineEvent[] =>
  signals.flatMap(({ name, badFrom, goodAgain, worst }) => {
    const line = (at: string | undefined, text: string): TimelineEvent[] =>
      at === undefined ? [] : [{ at, text, source: 'signal' }]
    return [
      ...line(badFrom, `Signal "${name}" went over its limit, to ${worst} at worst`),
      ...line(badFrom && goodAgain, `Signal "${name}" was within its limit again`)
    ]
  })
