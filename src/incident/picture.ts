import type { Incident, Outage } from './incident.ts'
import { mermaidLabel } from './mermaid-label.ts'

interface Bar {
  label: string
  /** Mermaid's colours: `crit` is red, `done` grey, `active` light. */
  look: 'crit' | 'done' | 'active'
  from: number
  until: number
}

const mostSteps = 20

/** A Gantt chart in Mermaid of the outage and the rollback; empty when no time is known to draw. */
export function pictureOf(incident: Incident, outage: Outage): string {
  if (incident.parts) return ''
  const serving = servingBars(incident, outage)
  const rollback = rollbackBars(incident)
  if (serving.length + rollback.length === 0) return ''
  return [
    '```mermaid',
    'gantt',
    `    title ${mermaidLabel(`${incident.target}, times in UTC`)}`,
    '    dateFormat YYYY-MM-DD HH:mm:ss.SSS',
    '    axisFormat %H:%M:%S',
    ...section('Versions', serving),
    ...section('Rollback', rollback),
    '```'
  ].join('\n')
}

function servingBars(incident: Incident, outage: Outage): Bar[] {
  const { from, to, rollback, health } = incident
  const start = time(outage.from)
  const begun = time(rollback?.begunAt)
  const last = Math.max(...[time(outage.until), time(rollback?.endedAt), begun, start].filter((at) => at !== null))
  const bars: Bar[] = start !== null && last > start ? servedBefore(incident, start, last - start) : []
  if (from && start !== null && last > start)
    bars.push({
      label: `Version ${from.version} ${health?.state === 'degraded' ? 'degraded' : 'does not serve'}`,
      look: 'crit',
      from: start,
      until: time(outage.until) ?? last
    })
  const recovered = time(rollback?.recoveredAt)
  if (to && recovered !== null && last > recovered)
    bars.push({ label: `Version ${to.version} serves`, look: 'active', from: recovered, until: last })
  return bars
}

/** The end of the time in which the earlier version served, as history tells; no longer than the outage is. */
function servedBefore({ from, to, history }: Incident, outageBegan: number, longest: number): Bar[] {
  const newest = (records: Incident['history'], before: number): number =>
    Math.max(...records.flatMap(({ at }) => time(at) ?? []).filter((at) => at <= before))
  const until = newest(
    history.filter(({ version }) => version === from?.version),
    outageBegan
  )
  const since = newest(
    history.filter(({ version, status }) => version === to?.version && status === 'success'),
    until
  )
  if (!to || since >= until || !Number.isFinite(since)) return []
  return [{ label: `Version ${to.version} served`, look: 'active', from: Math.max(since, until - longest), until }]
}

function rollbackBars({ rollback, to }: Incident): Bar[] {
  const [recovered, ended] = [time(rollback?.recoveredAt), time(rollback?.endedAt)]
  const watched: Bar[] =
    recovered !== null && ended !== null && ended > recovered
      ? [{ label: `Watching ${to?.version}`, look: 'done', from: recovered, until: ended }]
      : []
  const steps = (rollback?.steps ?? []).slice(0, mostSteps).flatMap(({ title, from, until, failed }, at) => {
    const [start, end] = [time(from), time(until)]
    if (start === null || end === null || end < start) return []
    return [
      { label: `${at + 1}. ${title}`, look: failed ? ('crit' as const) : ('done' as const), from: start, until: end }
    ]
  })
  return [...steps, ...watched]
}

const section = (name: string, bars: Bar[]): string[] =>
  bars.length === 0 ? [] : [`    section ${name}`, ...bars.map((bar) => `    ${task(bar)}`)]

const task = ({ label: text, look, from, until }: Bar): string =>
  `${mermaidLabel(text)} :${look}, ${stamp(from)}, ${stamp(Math.max(until, from + 1))}`

/** A time without a zone, so that every reader's chart shows UTC. */
const stamp = (at: number): string => new Date(at).toISOString().slice(0, -1).replace('T', ' ')

function time(at: string | undefined): number | null {
  const found = at === undefined ? Number.NaN : Date.parse(at)
  return Number.isNaN(found) ? null : found
}
