import { duration } from '../support/text.ts'
import type { Incident, Outage } from './incident.ts'
import { mermaidLabel } from './mermaid-label.ts'

interface Bar {
  label: string
  /** The end of the label, which is never cut. */
  after?: string
  /** Mermaid's colours: `crit` is red, `done` grey, `active` light. */
  look: 'crit' | 'done' | 'active'
  from: number
  until: number
}

const mostSteps = 20
const dayMs = 24 * 3_600_000
/** No bar is thinner than this part of its chart, so that each can be seen. Its label says how long it was. */
const thinnest = 250

/**
 * Gantt charts in Mermaid: which version served, and the steps of the rollback, which are seconds in an outage of hours and so have a
 * chart of their own. Empty when no time is known to draw.
 */
export function pictureOf(incident: Incident, outage: Outage): string {
  if (incident.parts) return ''
  return [
    chart(`What served on ${incident.target}`, 'Versions', servingBars(incident, outage)),
    chart(`The rollback of ${incident.target}`, 'Rollback', rollbackBars(incident))
  ]
    .filter(Boolean)
    .join('\n\n')
}

function chart(title: string, section: string, bars: Bar[]): string {
  if (bars.length === 0) return ''
  const from = Math.min(...bars.map((bar) => bar.from))
  const until = Math.max(...bars.map((bar) => bar.until))
  return [
    '```mermaid',
    'gantt',
    `    title ${mermaidLabel(title, ', UTC')}`,
    '    dateFormat YYYY-MM-DD HH:mm:ss.SSS',
    `    axisFormat ${until - from < dayMs ? '%H:%M:%S' : '%b %d %H:%M'}`,
    `    section ${section}`,
    ...bars.map((bar) => `    ${task(bar, (until - from) / thinnest)}`),
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
      label: named(from.version),
      after: `${health?.state === 'degraded' ? ' degraded' : ' does not serve'}, ${duration((time(outage.until) ?? last) - start)}`,
      look: 'crit',
      from: start,
      until: time(outage.until) ?? last
    })
  const recovered = time(rollback?.recoveredAt)
  if (to && recovered !== null && last > recovered)
    bars.push({ label: named(to.version), after: ' serves', look: 'active', from: recovered, until: last })
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
  const served: Bar = {
    label: named(to.version),
    after: ' served',
    look: 'active',
    from: Math.max(since, until - longest),
    until
  }
  if (!from || until >= outageBegan) return [served]
  return [
    served,
    {
      label: named(from.version),
      after: ' before the first failure seen',
      look: 'done',
      from: until,
      until: outageBegan
    }
  ]
}

const named = (version: string): string => `Version ${version}`

function rollbackBars({ rollback, to }: Incident): Bar[] {
  const [recovered, ended] = [time(rollback?.recoveredAt), time(rollback?.endedAt)]
  const watched: Bar[] =
    recovered !== null && ended !== null && ended > recovered
      ? [
          {
            label: `Watching ${to?.version}`,
            after: `, ${duration(ended - recovered)}`,
            look: 'done',
            from: recovered,
            until: ended
          }
        ]
      : []
  const steps = (rollback?.steps ?? []).slice(0, mostSteps).flatMap(({ title, from, until, failed }, at) => {
    const [start, end] = [time(from), time(until)]
    if (start === null || end === null || end < start) return []
    return [
      {
        label: `${at + 1}. ${title}`,
        after: `${failed ? ', failed' : ''}, ${duration(end - start)}`,
        look: failed ? ('crit' as const) : ('done' as const),
        from: start,
        until: end
      }
    ]
  })
  return [...steps, ...watched]
}

const task = ({ label, after, look, from, until }: Bar, thinnestMs: number): string =>
  `${mermaidLabel(label, after)} :${look}, ${stamp(from)}, ${stamp(Math.max(until, from + Math.max(thinnestMs, 1)))}`

/** A time without a zone, so that every reader's chart shows UTC. */
const stamp = (at: number): string => new Date(at).toISOString().slice(0, -1).replace('T', ' ')

function time(at: string | undefined): number | null {
  const found = at === undefined ? Number.NaN : Date.parse(at)
  return Number.isNaN(found) ? null : found
}
