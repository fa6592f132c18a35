import type { Incident, IncidentRollback, IncidentStep } from '../incident/incident.ts'
import type { Diagnosis, TimelineEvent } from '../model/diagnosis.ts'
import type { Holder } from '../model/lease.ts'
import type { Release } from '../model/release.ts'
import type { SignalCourse } from '../model/signal.ts'
import { isoNow } from '../support/clock.ts'
import { withLimit } from '../support/limit.ts'
import { oneLine } from '../support/text.ts'
import { assess } from './assess/assess.ts'
import { changesSince } from './assess/risks.ts'
import type { JournalRecord } from './journal/journal.ts'
import type { JournalEvent } from './journal/journal-events.ts'
import type { Session } from './session.ts'

type Known = Pick<Session, 'projectDir' | 'history' | 'clock'>
export type Given = Pick<Incident, 'severity' | 'rootCause' | 'impact' | 'notes'>

/** An incident as a rollback's journal, the history and git tell it. */
export async function incidentOfJournal(known: Known, record: JournalRecord, given: Given): Promise<Incident> {
  const { begun, events, ended } = record
  return {
    target: begun.target,
    from: begun.from,
    to: begun.to,
    health: begun.health,
    history: known.history,
    diagnosis: diagnosisOf(events),
    events: timelineOf(record),
    rollback: rollbackOf(record),
    signals: events.findLast((event) => event.event === 'checks')?.signals ?? [],
    changes: await changesSince(known, begun.to, begun.from),
    remains: ended
      ? ended.remains.map(toldByJournal)
      : ['The rollback was interrupted. Assess again, then finish or undo it.'],
    now: isoNow(known.clock),
    ...given
  }
}

/** Anyone who can write to the project can write a journal: its words are shown as its own, with no command that looks like ours. */
const toldByJournal = (text: string): string =>
  `The journal says (verify before you run anything of it): "${oneLine(text, 1500)}"`

/** An incident without a rollback, as the target tells it now. @throws TargetError when it does not answer. */
export async function incidentOfNow(session: Session, given: Given, signal: AbortSignal): Promise<Incident> {
  const { current, health, diagnosis, recommended } = await assess(session, { investigate: true, signal })
  const to = recommended?.release ?? null
  return {
    target: session.name,
    from: current,
    to: null,
    health,
    history: session.history,
    diagnosis,
    events: [],
    rollback: null,
    signals: current ? await signalsSince(session, to ?? current, health.since, signal) : [],
    changes: to ? await changesSince(session, to, current) : { known: false, why: 'no earlier good release is known' },
    remains: to ? [`Nothing was rolled back; ${to.version} is the last good version.`] : ['Nothing was rolled back.'],
    now: isoNow(session.clock),
    ...given
  }
}

const signalsWithinMs = 5000

/** How the signals went since the failure began; a report does not fail for a lack of it. */
async function signalsSince(
  { signals, clock }: Session,
  release: Release,
  since: string | undefined,
  signal: AbortSignal
): Promise<SignalCourse[]> {
  const until = clock.now()
  const span = { from: since === undefined ? until : new Date(since), until }
  const courses = signals?.courses(release, span, withLimit(signal, signalsWithinMs))
  return (await courses?.catch(() => [])) ?? []
}

function diagnosisOf(events: readonly JournalEvent[]): Diagnosis {
  const findings = events.filter((event) => event.event === 'findings')
  return {
    findings: findings.flatMap((event) => event.findings),
    events: findings.flatMap((event) => event.events),
    evidence: events.flatMap((event) => (event.event === 'evidence' ? [event.item] : []))
  }
}

function rollbackOf({ begun, events, ended }: JournalRecord): IncidentRollback {
  const recovered = events.findLast((event) => event.event === 'checks')?.healthySince
  return {
    id: begun.rollbackId,
    outcome: ended?.outcome ?? 'interrupted',
    begunAt: begun.at,
    ...(ended && { endedAt: ended.at }),
    ...(recovered && ended?.outcome === 'succeeded' && { recoveredAt: recovered }),
    steps: stepsOf({ begun, events }),
    by: nameOf(begun.holder),
    unattended: begun.unattended === true,
    accepted: begun.accepted
  }
}

const nameOf = ({ user, host }: Holder): string => oneLine(`${user} on ${host}`)

function stepsOf({ begun, events }: Pick<JournalRecord, 'begun' | 'events'>): IncidentStep[] {
  const started = new Map<string, string>()
  const steps: IncidentStep[] = []
  for (const event of events) {
    if (event.event !== 'step' && event.event !== 'revert') continue
    const key = `${event.event} ${event.stepId}`
    const title = titleOf({ begun }, event.stepId, event.event)
    if (event.state === 'started') started.set(key, event.at)
    else
      steps.push({
        title,
        from: started.get(key) ?? event.at,
        until: event.at,
        ...(event.state === 'failed' && { failed: true })
      })
  }
  return steps
}

const titleOf = ({ begun }: Pick<JournalRecord, 'begun'>, stepId: string, event: 'step' | 'revert'): string => {
  const title = oneLine(begun.steps.find(({ id }) => id === stepId)?.title ?? stepId)
  return event === 'revert' ? `Undoing: ${title}` : title
}

/** The journal as lines of a timeline. */
function timelineOf(record: JournalRecord): TimelineEvent[] {
  const { begun } = record
  const line = (at: string, text: string): TimelineEvent => ({ at, text, source: 'journal' })
  return record.events.flatMap((event) => {
    if (event.event === 'begun')
      return [
        line(
          event.at,
          `Rollback ${begun.rollbackId} from ${begun.from?.version ?? 'nothing'} to ${begun.to.version} began`
        )
      ]
    if (event.event === 'resumed')
      return [line(event.at, `The interrupted rollback was resumed by ${nameOf(event.holder)}, to ${event.kind} it`)]
    if (event.event === 'step' || event.event === 'revert') {
      if (event.state === 'started') return []
      const detail = event.detail ? `: ${oneLine(event.detail, 300)}` : ''
      return [line(event.at, `${titleOf(record, event.stepId, event.event)} ${event.state}${detail}`)]
    }
    if (event.event === 'checks') {
      const bad = event.checks
        .filter(({ status }) => status !== 'pass')
        .map(({ title, status, detail }) => oneLine(`${title} ${status} (${detail})`, 300))
      const first = event.healthySince ? [line(event.healthySince, `${begun.to.version} was first seen healthy`)] : []
      return [
        ...first,
        line(event.at, bad.length === 0 ? 'Every check passed at the end of the soak' : `Checks: ${bad.join('; ')}`)
      ]
    }
    if (event.event === 'note') return [line(event.at, oneLine(event.text, 300))]
    return event.event === 'ended' ? [line(event.at, `The rollback ended: ${event.outcome}`)] : []
  })
}
