import { relative } from 'node:path'
import { z } from 'zod'
import type { Incident } from '../incident/incident.ts'
import { writeIncident } from '../incident/write.ts'
import { readDeployFile } from '../project/deploy-file.ts'
import { historyOf } from '../project/history.ts'
import { type ProjectPaths, projectPaths } from '../project/paths.ts'
import { spareBegun } from '../rollback/assess/spare-names.ts'
import { type GroupRecord, groupById, isGroupId, newestGroup } from '../rollback/group/group-journal.ts'
import { incidentOfGroup } from '../rollback/group/incident-of-group.ts'
import { groupNames } from '../rollback/group/open-group.ts'
import { type Given, incidentOfJournal, incidentOfNow } from '../rollback/incident-of.ts'
import { type JournalRecord, journalById, newestRollback } from '../rollback/journal/journal.ts'
import { withSession } from '../rollback/open-session.ts'
import type { ProjectContext } from '../rollback/session.ts'
import { InputError, messageOf } from '../support/errors.ts'
import { withLimit } from '../support/limit.ts'
import { defineTool } from './define-tool.ts'
import { rollbackId, target } from './shapes.ts'

const words = z.string().max(4000)
/** The newest ones tell what happened; masking all of a long history takes seconds. */
const mostRecords = 1000

export const writeIncidentTool = defineTool({
  name: 'write_incident',
  title: 'Write an incident report',
  description:
    'Use after a rollback, or after a failure that was not rolled back: writes a Markdown report with timeline, evidence and suspect commits into the project.',
  effect: 'adds a file',
  input: z.strictObject({
    rollback_id: rollbackId.optional().describe('Default: the newest'),
    target: target.optional(),
    severity: z.enum(['P1', 'P2', 'P3', 'P4']).optional().describe('Default: by evidence'),
    root_cause: words.optional(),
    impact: words.optional(),
    notes: words.optional()
  }),
  run: async ({ rollback_id: id, target, severity, root_cause: rootCause, impact, notes }, { project, cancelled }) => {
    const given = { severity, rootCause, impact, notes }
    const paths = projectPaths(project.projectDir)
    const group = await groupMeant(project, paths, id, target)
    const incident = group
      ? await incidentOfSeveral(project, paths, group, given)
      : await incidentOfOne(project, paths, { id, target }, given, withLimit(cancelled, 120_000))
    const history = incident.history.slice(0, mostRecords)
    const written = await writeIncident(paths, { ...incident, history }, project.mask)
    return { ...written, target: incident.target, path: relative(project.projectDir, written.path) }
  }
})

/** The rollback of several targets that the call means: by its id, by its targets, or as the one of which the newest rollback is a part. */
async function groupMeant(
  { clock, ...project }: ProjectContext,
  { rollbacksDir }: ProjectPaths,
  id: string | undefined,
  target: string | undefined
): Promise<GroupRecord | null> {
  if (id !== undefined) return isGroupId(id) ? groupById(rollbacksDir, id, clock.now()) : null
  const newest = await newestGroup(rollbacksDir, clock.now())
  if (target === undefined) {
    const { begun } = (await newestRollback(rollbacksDir)) ?? {}
    return newest && begun?.groupId === newest.begun.groupId ? newest : null
  }
  const { names } = await groupNames({ clock, ...project }, target)
  if (names.length <= 1) return null
  if (newest?.begun.members.some((member) => names.includes(member.target))) return newest
  throw new InputError({
    what: 'There is no rollback of these targets as one',
    why: `no journal in ${rollbacksDir} tells of one`,
    state: 'No report was written.',
    next: 'Name one target, to report its own rollback or failure.',
    code: 'unknown_rollback'
  })
}

async function incidentOfSeveral(
  project: ProjectContext,
  paths: ProjectPaths,
  record: GroupRecord,
  given: Given
): Promise<Incident> {
  const file = await readDeployFile(paths, project.env).catch(() => null)
  const recordsOf = (target: string) => historyOf(file, target).slice(0, mostRecords)
  return incidentOfGroup(project, paths.rollbacksDir, record, recordsOf, given)
}

async function incidentOfOne(
  project: ProjectContext,
  paths: ProjectPaths,
  { id, target }: { id: string | undefined; target: string | undefined },
  given: Given,
  signal: AbortSignal
): Promise<Incident> {
  const record = await (id ? journalById(paths.rollbacksDir, id) : newestRollback(paths.rollbacksDir, target))
  if (record) spareBegun(project.mask, record.begun)
  return record
    ? incidentWithoutTarget(project, paths, record, given)
    : withSession(project, { target }, (session) => incidentOfNow(session, given, signal))
}

/** A journal is enough for a report: the target may not answer by now, and deploy.json may be broken. */
async function incidentWithoutTarget(
  { projectDir, clock, env }: ProjectContext,
  paths: ProjectPaths,
  record: JournalRecord,
  given: Given
): Promise<Incident> {
  const file = await readDeployFile(paths, env).catch((error: unknown) => messageOf(error))
  const history = typeof file === 'string' ? [] : historyOf(file, record.begun.target)
  const incident = await incidentOfJournal({ projectDir, clock, history }, record, given)
  if (typeof file !== 'string') return incident
  const gap = `The history of deploys is not in this report: ${file}. Correct the file.`
  return { ...incident, remains: [...incident.remains, gap] }
}
