import { combinedIncident } from '../../incident/combined.ts'
import type { Incident } from '../../incident/incident.ts'
import type { DeploymentRecord } from '../../model/deployment-record.ts'
import { isoNow } from '../../support/clock.ts'
import { oneLine } from '../../support/text.ts'
import { spareBegun } from '../assess/spare-names.ts'
import { type Given, incidentOfJournal } from '../incident-of.ts'
import { type JournalRecord, journalById } from '../journal/journal.ts'
import type { ProjectContext } from '../session.ts'
import { type GroupRecord, rollbackIdsOf } from './group-journal.ts'

/** One incident of several targets, as the group's journal and those of its targets tell it. */
export async function incidentOfGroup(
  { projectDir, clock, mask }: ProjectContext,
  journals: string,
  record: GroupRecord,
  historyOf: (target: string) => readonly DeploymentRecord[],
  given: Given
): Promise<Incident> {
  const { begun, ended } = record
  const ids = rollbackIdsOf(record)
  const parts: Incident[] = []
  const missing: string[] = []
  for (const { target } of begun.members) {
    const journal: JournalRecord | null = await journalById(journals, ids.get(target) ?? '', clock.now()).catch(
      () => null
    )
    if (!journal || journal.begun.target !== target) {
      missing.push(`${target}: its rollback never began.`)
      continue
    }
    spareBegun(mask, journal.begun)
    const known = { projectDir, clock, history: historyOf(target) }
    parts.push(await incidentOfJournal(known, journal, {}))
  }
  const { user, host } = begun.holder
  return combinedIncident(parts, {
    rollback: {
      id: begun.groupId,
      outcome: ended?.outcome ?? 'interrupted',
      begunAt: begun.at,
      ...(ended && { endedAt: ended.at }),
      steps: [],
      by: oneLine(`${user} on ${host}`),
      unattended: parts.some(({ rollback }) => rollback?.unattended),
      accepted: begun.accepted
    },
    events: eventsOf(record),
    remains: [
      ...missing,
      ...(ended ? [] : ['The rollback of several targets was interrupted. Assess them again, then finish or undo it.'])
    ],
    now: isoNow(clock),
    ...given
  })
}

const eventsOf = ({ begun, events }: GroupRecord): Incident['events'] =>
  events.flatMap((event) => {
    const line = (text: string) => [{ at: event.at, text, source: 'group journal' }]
    if (event.event === 'begun')
      return line(
        `Rollback ${begun.groupId} of ${begun.members.map(({ target }) => oneLine(target, 60)).join(', ')} began`
      )
    if (event.event === 'resumed') return line(`The interrupted rollback was resumed, to ${event.kind} it`)
    if (event.event === 'ended') return line(`The rollback ended: ${event.outcome}`)
    return event.state === 'ended' && event.outcome
      ? line(
          `${oneLine(event.target, 60)} ended: ${event.outcome}${event.detail ? ` (${oneLine(event.detail, 200)})` : ''}`
        )
      : []
  })
