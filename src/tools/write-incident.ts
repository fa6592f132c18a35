import { relative } from 'node:path'
import { z } from 'zod'
import type { Incident } from '../incident/incident.ts'
import { writeIncident } from '../incident/write.ts'
import { readDeployFile } from '../project/deploy-file.ts'
import { historyOf } from '../project/history.ts'
import { type ProjectPaths, projectPaths } from '../project/paths.ts'
import { spareBegun } from '../rollback/assess/spare-names.ts'
import { type Given, incidentOfJournal, incidentOfNow } from '../rollback/incident-of.ts'
import { type JournalRecord, readJournals } from '../rollback/journal/journal.ts'
import type { ProjectContext } from '../rollback/open-session.ts'
import { journalById } from '../rollback/verify.ts'
import { messageOf } from '../support/errors.ts'
import { closing } from './closing.ts'
import { defineTool } from './define-tool.ts'
import { rollbackId, target } from './shapes.ts'

const words = z.string().max(4000)

export const writeIncidentTool = defineTool({
  name: 'write_incident',
  title: 'Write an incident report',
  description:
    'Use after a rollback, or a failure that was not rolled back: writes a Markdown report with timeline, evidence and suspect commits into the project.',
  effect: 'adds a file',
  input: z.object({
    rollback_id: rollbackId.optional().describe('Default: the newest'),
    target: target.optional(),
    severity: z.enum(['P1', 'P2', 'P3', 'P4']).optional().describe('Default: by evidence'),
    root_cause: words.optional(),
    impact: words.optional(),
    notes: words.optional()
  }),
  output: ['path', 'severity', 'outage_ms'],
  handler: async ({ rollback_id, target: asked, severity, root_cause, impact, notes }, { project, cancelled }) => {
    const given = {
      ...(severity && { severity }),
      ...(root_cause && { rootCause: root_cause }),
      ...(impact && { impact }),
      ...(notes && { notes })
    }
    const paths = projectPaths(project.projectDir)
    const journalRecord = rollback_id
      ? await journalById(paths.rollbacksDir, rollback_id)
      : await newest(paths.rollbacksDir, asked)
    if (journalRecord) spareBegun(project.mask, journalRecord.begun)
    const signal = AbortSignal.any([cancelled, AbortSignal.timeout(120_000)])
    const incident = journalRecord
      ? await incidentWithoutTarget(project, paths, journalRecord, given)
      : await closing(project, asked === undefined ? {} : { target: asked }, (session) =>
          incidentOfNow(session, given, signal)
        )
    const {
      path: file,
      severity: judged,
      severityReason,
      outage,
      outageMs
    } = await writeIncident(paths, incident, project.mask)
    const path = relative(project.projectDir, file)
    return {
      ok: true,
      summary: `Incident Report: ${path}\nSeverity: ${judged} (${severityReason})\nOutage: ${outage}`,
      next: [],
      data: { path, target: incident.target, severity: judged, outageMs }
    }
  }
})

const newest = async (journals: string, target?: string): Promise<JournalRecord | null> =>
  (await readJournals(journals, target)).find(({ ended }) => ended?.outcome !== 'refused') ?? null

/** A journal is enough for a report; the target may be out of reach by then, and deploy.json broken. */
async function incidentWithoutTarget(
  { projectDir, clock, env }: ProjectContext,
  paths: ProjectPaths,
  journalRecord: JournalRecord,
  given: Given
): Promise<Incident> {
  const file = await readDeployFile(paths, env).catch((error: unknown) => messageOf(error))
  const history = typeof file === 'string' ? [] : historyOf(file, journalRecord.begun.target)
  const incident = await incidentOfJournal({ projectDir, clock, history }, journalRecord, given)
  const gap =
    typeof file === 'string' ? [`The history of deploys is not in this report: ${file}. Correct the file.`] : []
  return { ...incident, remains: [...incident.remains, ...gap] }
}
